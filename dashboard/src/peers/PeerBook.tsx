export function PeerBook() {
  return null;
}
