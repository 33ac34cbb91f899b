/** Attributes that make an SVG shape a button: Tab reaches it, and a click, Enter or Space presses it. */
export function pressed(label: string, isPressed: boolean, onPress: () => void) {
  return {
    role: "button" as const,
    // SVG attributes are case-sensitive.
    tabindex: 0,
    "aria-label": label,
    "aria-pressed": isPressed,
    onClick: onPress,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      onPress();
    },
  };
}
