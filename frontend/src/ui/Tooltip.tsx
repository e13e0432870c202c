import type { ReactElement } from "react";
import { Focusable, Tooltip as AriaTooltip, TooltipTrigger } from "react-aria-components";

import styles from "./Tooltip.module.css";

const DELAY_MS = 500;

interface TooltipProps {
  readonly text: string;
  readonly shortcut?: string;
  readonly children: ReactElement;
}

/** A hint on hover and on focus, with the key that does the same. The child is a React Aria button or link. */
export function Tooltip({ text, shortcut, children }: TooltipProps) {
  return (
    <TooltipTrigger delay={DELAY_MS}>
      {children}
      <AriaTooltip className={styles.tooltip ?? ""} offset={6}>
        {text}
        {shortcut ? <kbd>{shortcut}</kbd> : null}
      </AriaTooltip>
    </TooltipTrigger>
  );
}

type FocusableChild = Parameters<typeof Focusable>[0]["children"];

/** The same for a plain element that can hold the focus. */
export function TextTooltip({ text, children }: { readonly text: string; readonly children: FocusableChild }) {
  return (
    <TooltipTrigger delay={DELAY_MS}>
      <Focusable>{children}</Focusable>
      <AriaTooltip className={styles.tooltip ?? ""} offset={6}>
        {text}
      </AriaTooltip>
    </TooltipTrigger>
  );
}
