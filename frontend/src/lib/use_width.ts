import { type RefObject, useEffect, useRef, useState } from "react";

/** An element's width in CSS pixels, followed as it changes. */
export function useWidth<Observed extends HTMLElement>(initial: number): [RefObject<Observed | null>, number] {
  const element = useRef<Observed>(null);
  const [width, setWidth] = useState(initial);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.round(entry.contentRect.width));
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}
