import { render } from "preact";
import { Page } from "./page/Page.tsx";
import { startConnection } from "./state/connection.ts";
import { startHistory } from "./state/history.ts";
import { startPeers } from "./state/peers.ts";
import "./styles/theme.css";
import "./styles/page.css";
import "./styles/controls.css";
import "./styles/table.css";

const root = document.getElementById("page");
if (root) render(<Page />, root);
startHistory();
startPeers();
startConnection();
