import { Check, Eye } from "lucide-react";

import { acceptSegmentationAct } from "../../actions/reading/accept_segmentation";
import { type Locale, type Translate, useLocale, useTranslate } from "../../lib/messages";
import type { Segmentation } from "../../state/records";
import { Button } from "../../ui/Button";
import styles from "./GateNotice.module.css";
import { shortcutOf } from "./key_caps";

type Gate = NonNullable<Segmentation["gate"]>;
type Reason = Gate["reasons"][number];

const ASPECTS = ["grey_values", "background", "sharpness", "noise", "layout", "field_of_view", "features"] as const;

const write = (value: number | null, locale: Locale): string =>
  (value ?? 0).toLocaleString(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

const PLAIN = [
  "gate.constant_image",
  "gate.no_reference",
  "gate.other_weights",
  "gate.other_reading",
  "gate.fused_slices",
  "gate.no_probabilities",
] as const;

/** A reason that names neither segment nor number. */
function plainText({ code, words }: Reason, t: Translate): string {
  const known = PLAIN.find((each) => each === code);
  return known ? t(known) : words;
}

/** A reason in the reader's language; one that is not known here in the server's own words. */
function reasonText(reason: Reason, segment: string, t: Translate, locale: Locale): string {
  switch (reason.code) {
    case "gate.unlike_training": {
      const aspect = ASPECTS.find((known) => known === reason.aspect);
      return aspect ? t(reason.code, { aspect: t(`gate.aspect_${aspect}`) }) : reason.words;
    }
    case "gate.low_predicted_dice":
      return t(reason.code, { segment, value: write(reason.value, locale), limit: write(reason.limit, locale) });
    case "gate.nothing_marked":
      return t(reason.code, { segment });
    default:
      return plainText(reason, t);
  }
}

function Reasons({ gate, segmentation }: { readonly gate: Gate; readonly segmentation: Segmentation | undefined }) {
  const t = useTranslate();
  const locale = useLocale();
  const segments = segmentation?.revisions[0]?.segments ?? [];
  const labelOf = (number: number | null) =>
    segments.find((one) => one.segment_number === number)?.segment_label ?? String(number ?? "");
  return gate.reasons.map((reason) => (
    <p key={`${reason.code} ${String(reason.segment_number)}`}>
      {reasonText(reason, labelOf(reason.segment_number), t, locale)}
    </p>
  ));
}

function Predicted({ gate }: { readonly gate: Gate }) {
  const t = useTranslate();
  const locale = useLocale();
  const values = Object.values(gate.predicted_dice).map((dice) => write(dice, locale));
  if (values.length === 0) return null;
  return <p title={t("gate.predicted_hint")}>{t("gate.predicted", { dice: values.join(" / ") })}</p>;
}

interface GateNoticeProps {
  /** Null where there is no result, or it is from before there was a gate. */
  readonly gate: Gate | null;
  /** What came of the run; undefined while that is not known. */
  readonly segmentation: Segmentation | undefined;
  /** Vouches for it as it is; left out where that makes no sense. */
  readonly onAccept?: (() => void) | undefined;
}

/** What the quality gate said of a run, quietly where it passed or a person has looked. */
export function GateNotice({ gate, segmentation, onAccept }: GateNoticeProps) {
  if (!gate) return null;
  const acceptedBy = segmentation?.accepted_by ?? null;
  const isOpen = gate.outcome === "needs_eyes" && acceptedBy === null;
  return (
    <div className={styles.notice} data-outcome={isOpen ? "needs_eyes" : "settled"}>
      <Head outcome={gate.outcome} isOpen={isOpen} />
      <Reasons gate={gate} segmentation={segmentation} />
      <Predicted gate={gate} />
      <AcceptLine acceptedBy={acceptedBy} onAccept={isOpen ? onAccept : undefined} />
    </div>
  );
}

function Head({ outcome, isOpen }: { readonly outcome: Gate["outcome"]; readonly isOpen: boolean }) {
  const t = useTranslate();
  return (
    <p className={styles.head} {...(isOpen ? { role: "status", title: t("gate.needs_eyes_hint") } : {})}>
      {isOpen ? <Eye size={14} aria-hidden /> : null}
      {t(`gate.${outcome}`)}
    </p>
  );
}

interface AcceptLineProps extends Pick<GateNoticeProps, "onAccept"> {
  readonly acceptedBy: string | null;
}

function AcceptLine({ acceptedBy, onAccept }: AcceptLineProps) {
  const t = useTranslate();
  if (acceptedBy) return <p>{t("gate.accepted", { who: acceptedBy })}</p>;
  if (!onAccept) return null;
  return (
    <Button icon={Check} shortcut={shortcutOf(acceptSegmentationAct.key) ?? ""} onPress={onAccept}>
      {t("gate.accept")}
    </Button>
  );
}
