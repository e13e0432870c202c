import { useSyncExternalStore } from "react";

/** A choice kept in this browser, shared by all parts of the page and by its other tabs. */
export interface StoredChoice<Value extends string> {
  readonly get: () => Value;
  readonly set: (value: Value) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

function readStorage(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is blocked: the choice lasts as long as the page
  }
}

function writeStorage(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // storage is blocked or full: the choice lasts as long as the page
  }
}

/** Creates a choice among `values`, the first read from this browser's storage, else from `fallback`. */
export function createStoredChoice<Value extends string>(
  key: string,
  values: readonly Value[],
  fallback: () => Value,
): StoredChoice<Value> {
  const parse = (raw: string | null): Value | undefined => values.find((value) => value === raw);
  const listeners = new Set<() => void>();
  let current = parse(readStorage(key)) ?? fallback();
  const change = (value: Value) => {
    if (value === current) return;
    current = value;
    listeners.forEach((listener) => listener());
  };
  window.addEventListener("storage", (event) => {
    const value = event.key === key ? parse(event.newValue) : undefined;
    if (value !== undefined) change(value);
  });
  return {
    get: () => current,
    set: (value) => {
      writeStorage(key, value);
      change(value);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStoredChoice<Value extends string>(choice: StoredChoice<Value>): Value {
  return useSyncExternalStore(choice.subscribe, choice.get);
}
