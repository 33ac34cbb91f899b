/** Requests to the node. Every URL is relative, so that the page also works under a prefix. */

import { signal } from "@preact/signals";
import { ApiError, problemDetail } from "./problem.ts";
import type { Answers, PostAnswers, PostBodies } from "./types.ts";

const TOKEN_KEY = "nocarrier-token";

/** Kept only in this tab: a token must not outlive the visit. */
const token = signal(sessionStorage.getItem(TOKEN_KEY) ?? "");

/** Whether the node needs a token that it has not been given. */
export const tokenWanted = signal(false);

/** How many tokens were entered. When it changes, refused requests can be tried again. */
export const tokenEntered = signal(0);

export function enterToken(text: string): void {
  sessionStorage.setItem(TOKEN_KEY, text);
  token.value = text;
  tokenWanted.value = false;
  tokenEntered.value += 1;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

/** `path` with the parameters that have a value. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

/** Like `fetch`, with the token; throws `ApiError` if the node answers with an error. */
export async function request(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token.value) headers.set("Authorization", `Bearer ${token.value}`);
  const response = await fetch(url, { ...init, headers, cache: "no-store", credentials: "omit" });
  if (response.ok) return response;
  if (response.status === 401) tokenWanted.value = true;
  throw new ApiError(response.status, await problemDetail(response));
}

/** The answer to GET. */
export async function getJson<P extends keyof Answers>(
  path: P,
  query: Query = {},
  signal?: AbortSignal,
): Promise<Answers[P]> {
  const response = await request(withQuery(path, query), signal ? { signal } : {});
  return (await response.json()) as Answers[P];
}

/** The answer to POST. */
export async function postJson<P extends keyof PostAnswers>(path: P, body: PostBodies[P]): Promise<PostAnswers[P]> {
  const response = await request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as PostAnswers[P];
}
