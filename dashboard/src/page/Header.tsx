import { node } from "../state/peers.ts";
import { switchTheme, theme } from "../state/theme.ts";
import { visibleLabel } from "../text/visible.ts";
import { ConnectionState } from "./ConnectionState.tsx";
import icon from "./icon.svg";
import "./header.css";

export function Header() {
  const info = node.value;
  const other = theme.value === "dark" ? "light" : "dark";
  return (
    <header class="header">
      <h1>
        <img src={icon} alt="" width="24" height="24" /> nocarrier
      </h1>
      {info && (
        <p class="header-node muted">
          <span title="The network of this node">{visibleLabel(info.network, 40)}</span>
          {info.advertised_p2p && (
            <span title="The published address: where peers dial this node">
              {visibleLabel(info.advertised_p2p, 60)}
            </span>
          )}
          <span title={`Node id ${info.node_id}`}>{info.node_id.slice(0, 8)}</span>
          <span title="The version of nocarrier">{visibleLabel(info.version, 20)}</span>
        </p>
      )}
      <ConnectionState />
      <button type="button" class="small" data-testid="theme" aria-label={`Switch to ${other}`} onClick={switchTheme}>
        {theme.value === "dark" ? "☀ Light" : "☾ Dark"}
      </button>
    </header>
  );
}
