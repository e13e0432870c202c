const CAPS: Readonly<Record<string, string>> = {
  Control: "Ctrl",
  Escape: "Esc",
  Delete: "Del",
  Backspace: "⌫",
  Enter: "↵",
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  " ": "Space",
};

/** What is printed on the keys of a binding, in the order they are pressed. */
export function keyCaps(key: string): string[] {
  return key.split("+").flatMap((part) => {
    // A capital letter after Ctrl is that letter with Shift.
    if (part.length === 1 && key.length > 1 && part !== part.toLowerCase()) return ["Shift", part];
    return [CAPS[part] ?? (part.length === 1 ? part.toUpperCase() : part)];
  });
}

export function shortcutOf(key: string | undefined): string | undefined {
  return key === undefined ? undefined : keyCaps(key).join(" ");
}
