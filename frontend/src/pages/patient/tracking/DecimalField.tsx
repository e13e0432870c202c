import { useState } from "react";

import { readDecimal, showDecimal } from "../../../lib/decimals";
import { useLocale, useTranslate } from "../../../lib/messages";
import { TextField } from "../../../ui/TextField";

interface DecimalFieldProps {
  readonly label: string;
  readonly stored: string | null | undefined;
  readonly isBusy: boolean;
  readonly onRecord: (value: string | null) => void;
}

const DECIMALS = 2;

/** A number that is recorded when the field is left; one that the record did not take says so and is never altered. */
export function DecimalField({ label, stored, isBusy, onRecord }: DecimalFieldProps) {
  const t = useTranslate();
  const locale = useLocale();
  const [text, setText] = useState(showDecimal(stored, locale));
  const [isTyping, setIsTyping] = useState(false);
  const value = readDecimal(text);
  const kept = stored ? Number(stored) : null;
  const isRefused = !isBusy && !isTyping && value !== kept;
  return (
    <TextField
      label={label}
      value={text}
      inputMode="decimal"
      {...(isRefused ? { error: t("records.not_kept") } : {})}
      onChange={(typed) => {
        setIsTyping(true);
        setText(typed);
      }}
      onBlur={() => {
        setIsTyping(false);
        if (value !== undefined && value !== kept) onRecord(value === null ? null : value.toFixed(DECIMALS));
      }}
    />
  );
}
