import { getJson } from "../api/client.ts";
import { Address } from "../shared/Address.tsx";
import { FromNow } from "../shared/Time.tsx";
import { useAnswer } from "../shared/use-answer.ts";
import { words } from "../text/format.ts";

/** Which peer told this node the address, which peer told it that peer's address, and so on to the origin. */
export function Chain({ addr }: { addr: string }) {
  const answer = useAnswer(addr, (signal) => getJson("api/p2p/propagation", { addr }, signal));
  if (answer.state !== "here" || !answer.value.chain?.length) return null;
  return (
    <>
      <h4>How this node learned the address</h4>
      <ol class="chain">
        {answer.value.chain.map((step) => (
          <li key={step.addr}>
            <Address addr={step.addr} />{" "}
            <span class="muted">
              {step.via ? `from ${words(step.source)}, via the next one` : `from ${words(step.source)}`}
              {step.first_seen_unix !== null && (
                <>
                  , <FromNow unix={step.first_seen_unix} />
                </>
              )}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
