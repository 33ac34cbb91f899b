import { visibleLabel } from "../text/visible.ts";

/** An error that the node answered with: a problem document (RFC 9457). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function problemDetail(response: Response): Promise<string> {
  const fallback = `The node answered ${response.status} ${response.statusText}`;
  try {
    const problem: unknown = await response.json();
    if (typeof problem === "object" && problem !== null && "detail" in problem)
      return visibleLabel(String(problem.detail), 500);
    return fallback;
  } catch {
    return fallback;
  }
}
