/** Light or dark: from the URL, or else the last choice in this browser, or else the system's preference. */

import { computed, effect, signal } from "@preact/signals";
import { filters, setFilters } from "./filters.ts";

const KEY = "nocarrier-theme";
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(prefersDark.matches);
prefersDark.addEventListener("change", (event) => {
  systemIsDark.value = event.matches;
});

const chosen = signal(localStorage.getItem(KEY));

export const theme = computed<"light" | "dark">(() => {
  const wanted = filters.value.theme || chosen.value;
  if (wanted === "light" || wanted === "dark") return wanted;
  return systemIsDark.value ? "dark" : "light";
});

export function switchTheme(): void {
  const next = theme.peek() === "dark" ? "light" : "dark";
  localStorage.setItem(KEY, next);
  chosen.value = next;
  if (filters.peek().theme) setFilters({ theme: next }, "replace");
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
