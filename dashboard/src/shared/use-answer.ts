import { useEffect, useState } from "preact/hooks";

export type Answer<T> = { state: "loading" } | { state: "here"; value: T } | { state: "refused"; problem: string };

/** The answer of `ask`. It asks again when `question`, which names everything that the answer depends on, changes. */
export function useAnswer<T>(question: string, ask: (signal: AbortSignal) => Promise<T>): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ state: "loading" });
  useEffect(() => {
    const abort = new AbortController();
    ask(abort.signal).then(
      (value) => setAnswer({ state: "here", value }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        setAnswer({ state: "refused", problem: error instanceof Error ? error.message : String(error) });
      },
    );
    return () => abort.abort();
  }, [question]);
  return answer;
}
