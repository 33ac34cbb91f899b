/** The page, from the verdict down to single dials. */

import { FailuresChart } from "../failures-chart/FailuresChart.tsx";
import { FilterBar } from "../filters/FilterBar.tsx";
import { Flow } from "../flow/Flow.tsx";
import { Glance } from "../glance/Glance.tsx";
import { ReasonGrid } from "../grid/ReasonGrid.tsx";
import { SidePanel } from "../panel/SidePanel.tsx";
import { Time } from "../shared/Time.tsx";
import { connection, stale } from "../state/connection.ts";
import { Verdict } from "../verdict/Verdict.tsx";
import { Header } from "./Header.tsx";
import { Tabs } from "./Tabs.tsx";
import { TokenForm } from "./TokenForm.tsx";

export function Page() {
  return (
    <>
      <a class="skip" href="#details">
        Skip to the dials
      </a>
      <Header />
      <main class={stale.value ? "stale" : ""}>
        <TokenForm />
        <StaleNote />
        <Verdict />
        <Glance />
        <FilterBar />
        <div class="pictures">
          <FailuresChart />
          <ReasonGrid />
          <Flow />
        </div>
        <div id="details" tabIndex={-1}>
          <Tabs />
        </div>
      </main>
      <SidePanel />
    </>
  );
}

/** Says how old the data below is while the connection to the node is lost. */
function StaleNote() {
  const { lostSinceUnix } = connection.value;
  if (!stale.value || lostSinceUnix === null) return null;
  return (
    <p class="stale-note">
      Connection lost. The data below is from <Time unix={lostSinceUnix} />. Reconnecting automatically.
    </p>
  );
}
