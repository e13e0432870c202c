import { useState } from "react";
import { useLocation, useNavigate } from "react-router";

import { useChangePassword } from "../../api/session";
import { useTranslate } from "../../lib/messages";
import { Button } from "../../ui/Button";
import { notify } from "../../ui/notice_queue";
import { sentenceOf } from "../../ui/States";
import { goTo, placeToReturn } from "../shell/return_place";
import { useSignedIn } from "../shell/use_signed_in";
import { Entrance } from "./Entrance";
import { PasswordField } from "./PasswordField";

interface Passwords {
  readonly current: string;
  readonly chosen: string;
  readonly repeated: string;
}

/** What is wrong before the server is asked. */
function findFault({ current, chosen, repeated }: Passwords): "password.needed" | "password.differ" | undefined {
  if (!current || !chosen || !repeated) return "password.needed";
  return chosen === repeated ? undefined : "password.differ";
}

export function PasswordPage() {
  const t = useTranslate();
  const navigate = useNavigate();
  const location = useLocation();
  const { user } = useSignedIn();
  const change = useChangePassword();
  const [passwords, setPasswords] = useState<Passwords>({ current: "", chosen: "", repeated: "" });
  const [fault, setFault] = useState<ReturnType<typeof findFault>>();
  const mustChange = user.must_change_password;
  const submit = () => {
    const found = findFault(passwords);
    setFault(found);
    if (found) return;
    const body = { current_password: passwords.current, new_password: passwords.chosen };
    change.mutate(body, {
      onSuccess: () => {
        notify(t("password.saved"));
        goTo(placeToReturn(location), navigate);
      },
    });
  };
  const refusal = fault ? t(fault) : change.isError ? sentenceOf(change.error, t) : undefined;
  const field = (name: keyof Passwords) => ({
    value: passwords[name],
    onChange: (value: string) => setPasswords((typed) => ({ ...typed, [name]: value })),
  });
  return (
    <Entrance
      title={t("password.title")}
      told={mustChange ? t("password.must_change") : undefined}
      refusal={refusal}
      onSubmit={submit}
    >
      <PasswordField label={t("password.current")} autoComplete="current-password" {...field("current")} />
      <PasswordField
        label={t("password.new")}
        hint={t("password.new_hint")}
        autoComplete="new-password"
        {...field("chosen")}
      />
      <PasswordField label={t("password.repeat")} autoComplete="new-password" {...field("repeated")} />
      <Button type="submit" variant="primary" size="large" isDisabled={change.isPending}>
        {t("password.submit")}
      </Button>
      {mustChange ? null : (
        <Button variant="quiet" onPress={() => void navigate(-1)}>
          {t("keys.leave")}
        </Button>
      )}
    </Entrance>
  );
}
