export function ReasonGrid() {
  return null;
}
