/** What makes a shape of an SVG a button: reached by Tab, pressed by click, Enter or Space. */
export function pressed(label: string, isPressed: boolean, onPress: () => void) {
  return {
    role: "button" as const,
    // Attributes of SVG keep their case.
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
