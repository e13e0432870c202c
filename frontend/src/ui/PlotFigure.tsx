import { useEffect } from "react";

import { useWidth } from "../lib/use_width";

interface PlotFigureProps {
  /** What a screen reader says in place of the drawing; its figures belong in text beside it. */
  readonly title: string;
  readonly draw: (width: number) => Element;
  readonly className?: string | undefined;
}

/** A drawing that is only looked at: no point of it can be opened. */
export function PlotFigure({ title, draw, className }: PlotFigureProps) {
  const [box, width] = useWidth<HTMLDivElement>(320);
  useEffect(() => {
    const drawn = draw(width);
    // The content security policy allows no style element; the drawing's own attributes say the same.
    drawn.querySelectorAll("style").forEach((style) => style.remove());
    box.current?.replaceChildren(drawn);
  }, [box, draw, width]);
  return <div ref={box} role="img" aria-label={title} className={className} />;
}
