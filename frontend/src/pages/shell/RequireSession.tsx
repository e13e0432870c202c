import { Navigate, Outlet, useLocation } from "react-router";

import type { Session } from "../../api/records";
import { lastSignOutReason, useSession } from "../../api/session";
import { Notices } from "../../ui/Notices";
import { ErrorState, LoadingState } from "../../ui/States";
import { IdleNotice } from "./IdleNotice";

/** Where a person came from, so that signing in brings them back. */
export interface CameFrom {
  readonly from: string;
}

/** Lets only a signed-in person through, to a password page first where one must be chosen. */
export function RequireSession() {
  const session = useSession();
  const location = useLocation();
  if (session.isPending) return <LoadingState />;
  if (session.isError) return <ErrorState isPage error={session.error} onRetry={() => void session.refetch()} />;
  const { data } = session;
  if (!data.is_authenticated || !data.user) {
    // Whoever signed out on purpose is done here; the next person starts at the worklist.
    const state: CameFrom = { from: lastSignOutReason() === "asked" ? "/" : location.pathname + location.search };
    return <Navigate to="/sign-in" replace state={state} />;
  }
  if (data.user.must_change_password && location.pathname !== "/password") {
    return <Navigate to="/password" replace />;
  }
  return (
    <>
      <Outlet context={data satisfies Session} />
      <IdleNotice timeoutS={data.idle_timeout_s} />
      <Notices />
    </>
  );
}
