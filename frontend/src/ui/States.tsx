import { CircleAlert, CloudOff, Inbox, Lock, type LucideIcon, SearchX } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";

import { type Translate, useTranslate } from "../lib/messages";
import { ApiProblem, OfflineError } from "../lib/problem";
import { Button } from "./Button";
import { ProgressLine } from "./ProgressLine";
import styles from "./States.module.css";

interface StateProps {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly sentence: string;
  readonly code?: string;
  readonly role?: "alert" | "status";
  /** It stands for a whole page, so its title is the page's. */
  readonly isPage?: boolean;
  readonly children?: ReactNode;
}

function State({ icon: Icon, title, sentence, code, role = "status", isPage = false, children }: StateProps) {
  const Title = isPage ? "h1" : "h2";
  return (
    <div className={styles.state} role={role}>
      <Icon size={32} strokeWidth={1.5} aria-hidden />
      <Title className={styles.title}>{title}</Title>
      <p className={styles.sentence}>{sentence}</p>
      {children ? <div className={styles.acts}>{children}</div> : null}
      {code ? <p className={styles.code}>{code}</p> : null}
    </div>
  );
}

interface EmptyStateProps {
  readonly title: string;
  readonly sentence: string;
  readonly icon?: LucideIcon;
  readonly children?: ReactNode;
}

/** Nothing here, and what to do about it. */
export function EmptyState({ icon = Inbox, ...props }: EmptyStateProps) {
  return <State icon={icon} {...props} />;
}

const SLOW_AFTER_MS = 4_000;
const SHOW_AFTER_MS = 150;

/** Waiting: nothing for a moment, then a line, then a sentence. */
export function LoadingState({ label }: { readonly label?: string }) {
  const t = useTranslate();
  const [stage, setStage] = useState<"hidden" | "line" | "slow">("hidden");
  useEffect(() => {
    const timers = [
      setTimeout(() => setStage("line"), SHOW_AFTER_MS),
      setTimeout(() => setStage("slow"), SLOW_AFTER_MS),
    ];
    return () => timers.forEach(clearTimeout);
  }, []);
  const text = label ?? t("state.loading");
  return (
    <div className={`${styles.state ?? ""} ${styles.loading ?? ""}`} role="status" aria-busy="true">
      {stage === "hidden" ? (
        <span className="visually-hidden">{text}</span>
      ) : (
        <>
          <p>{stage === "slow" ? t("state.loading_long") : text}</p>
          <div className={styles.line}>
            <ProgressLine label={text} />
          </div>
        </>
      )}
    </div>
  );
}

interface Failure {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly sentence: string;
  readonly code?: string;
  readonly canRetry: boolean;
}

function describeFailure(error: unknown, t: Translate): Failure {
  if (error instanceof OfflineError)
    return { icon: CloudOff, title: t("state.offline_title"), sentence: t("state.offline"), canRetry: true };
  if (!(error instanceof ApiProblem))
    return { icon: CircleAlert, title: t("state.error_title"), sentence: t("state.error_unknown"), canRetry: true };
  if (error.status === 404)
    return { icon: SearchX, title: t("state.not_found_title"), sentence: t("state.not_found"), canRetry: false };
  const { code } = error;
  if (error.status === 403) {
    const sentence = error.sentence || t("state.forbidden");
    return { icon: Lock, title: t("state.forbidden_title"), sentence, code, canRetry: false };
  }
  const sentence = error.sentence || t("state.error_server");
  return { icon: CircleAlert, title: t("state.error_title"), sentence, code, canRetry: true };
}

interface ErrorStateProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
  readonly isPage?: boolean;
  /** Where else to go, as buttons or links. */
  readonly children?: ReactNode;
}

/** Whatever went wrong, by kind: offline, not found, forbidden, refused, broken. */
export function ErrorState({ error, onRetry, isPage = false, children }: ErrorStateProps) {
  const t = useTranslate();
  const { canRetry, ...failure } = describeFailure(error, t);
  return (
    <State {...failure} isPage={isPage} role="alert">
      {canRetry && onRetry ? (
        <Button variant="primary" onPress={onRetry}>
          {t("state.try_again")}
        </Button>
      ) : null}
      {children}
    </State>
  );
}

/** The sentence for an error where there is room for one line. */
export function sentenceOf(error: unknown, t: Translate): string {
  return describeFailure(error, t).sentence;
}
