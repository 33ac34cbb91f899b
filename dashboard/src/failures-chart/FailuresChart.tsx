export function FailuresChart() {
  return null;
}
