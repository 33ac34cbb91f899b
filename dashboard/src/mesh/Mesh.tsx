export function Mesh() {
  return null;
}
