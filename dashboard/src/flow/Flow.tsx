export function Flow() {
  return null;
}
