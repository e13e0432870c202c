import { useEffect, useState } from "react";
import { Navigate, useLocation, useNavigate } from "react-router";

import { lastSignOutReason, useSession, useSignIn } from "../../api/session";
import { type Translate, useTranslate } from "../../lib/messages";
import { Button } from "../../ui/Button";
import { clearNotices } from "../../ui/notice_queue";
import { ErrorState, LoadingState, sentenceOf } from "../../ui/States";
import { TextField } from "../../ui/TextField";
import { type CameFrom, goTo, placeToReturn } from "../shell/return_place";
import { Entrance } from "./Entrance";
import { PasswordField } from "./PasswordField";

function reasonInWords(t: Translate, idleTimeoutS: number): string | undefined {
  const reason = lastSignOutReason();
  if (reason === "idle") return t("sign_in.signed_out_idle", { count: Math.max(1, Math.round(idleTimeoutS / 60)) });
  if (reason === "ended") return t("sign_in.session_ended");
  return reason === "asked" ? t("sign_in.signed_out") : undefined;
}

function SignInForm({ idleTimeoutS }: { readonly idleTimeoutS: number }) {
  const t = useTranslate();
  const signIn = useSignIn();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [isIncomplete, setIncomplete] = useState(false);
  useEffect(clearNotices, []);
  const submit = () => {
    if (signIn.isPending) return;
    setIncomplete(!username || !password);
    if (!username || !password) return;
    // A password typed while the answer was on its way is the next try: it stays.
    const clear = () => setPassword((typed) => (typed === password ? "" : typed));
    signIn.mutate({ username, password }, { onError: clear });
  };
  const refusal = isIncomplete ? t("sign_in.both_needed") : signIn.isError ? sentenceOf(signIn.error, t) : undefined;
  return (
    <Entrance
      title={t("sign_in.title")}
      told={refusal ? undefined : reasonInWords(t, idleTimeoutS)}
      refusal={refusal}
      foot={t("sign_in.forgotten")}
      onSubmit={submit}
    >
      <TextField
        label={t("sign_in.username")}
        size="large"
        value={username}
        onChange={setUsername}
        autoComplete="username"
        // eslint-disable-next-line jsx-a11y/no-autofocus -- the one thing this page is for
        autoFocus
      />
      <PasswordField
        label={t("sign_in.password")}
        value={password}
        onChange={setPassword}
        autoComplete="current-password"
      />
      <Button type="submit" variant="primary" size="large" isDisabled={signIn.isPending}>
        {t(signIn.isPending ? "sign_in.submitting" : "sign_in.submit")}
      </Button>
    </Entrance>
  );
}

/** Brings a signed-in person to where they wanted to be. */
function Onward({ place }: { readonly place: string }) {
  const navigate = useNavigate();
  useEffect(() => {
    goTo(place, navigate);
  }, [place, navigate]);
  return <LoadingState />;
}

export function SignInPage() {
  const session = useSession();
  const location = useLocation();
  if (session.isPending) return <LoadingState />;
  if (session.isError) return <ErrorState isPage error={session.error} onRetry={() => void session.refetch()} />;
  if (session.data.is_authenticated) {
    const place = placeToReturn(location);
    if (!session.data.user?.must_change_password) return <Onward place={place} />;
    return <Navigate to="/password" replace state={{ from: place } satisfies CameFrom} />;
  }
  return <SignInForm idleTimeoutS={session.data.idle_timeout_s} />;
}
