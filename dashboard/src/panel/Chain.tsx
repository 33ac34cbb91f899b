import { getJson } from "../api/client.ts";
import { Address } from "../shared/Address.tsx";
import { FromNow } from "../shared/Time.tsx";
import { useAnswer } from "../shared/use-answer.ts";
import { words } from "../text/format.ts";

/** Who told us the address, who told us of that peer, and so on to the root. */
export function Chain({ addr }: { addr: string }) {
  const answer = useAnswer(addr, (signal) => getJson("api/p2p/propagation", { addr }, signal));
  if (answer.state !== "here" || !answer.value.chain?.length) return null;
  return (
    <>
      <h4>How its address came to us</h4>
      <ol class="chain">
        {answer.value.chain.map((step) => (
          <li key={step.addr}>
            <Address addr={step.addr} />{" "}
            <span class="muted">
              {step.via ? `told by the next, by ${words(step.source)}` : `from ${words(step.source)}`}
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
