import { useEffect, useState } from "preact/hooks";
import { getJson, type Query, withQuery } from "../api/client.ts";
import { ApiError } from "../api/problem.ts";

export type Answer<T> =
  | { state: "loading" }
  | { state: "here"; value: T }
  | { state: "refused"; status: number; problem: string };

/** What the API answers to a GET; asks again when the question changes, or `again` does. */
export function useAnswer<T>(path: string, query: Query, again: unknown = 0): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ state: "loading" });
  const url = withQuery(path, query);
  useEffect(() => {
    const abort = new AbortController();
    setAnswer((before) => (before.state === "here" ? before : { state: "loading" }));
    getJson<T>(url, {}, abort.signal).then(
      (value) => setAnswer({ state: "here", value }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const status = error instanceof ApiError ? error.status : 0;
        setAnswer({ state: "refused", status, problem: error instanceof Error ? error.message : String(error) });
      },
    );
    return () => abort.abort();
  }, [url, again]);
  return answer;
}
