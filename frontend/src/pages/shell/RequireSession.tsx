import { Navigate, Outlet, useLocation } from "react-router";

import type { Session } from "../../api/records";
import { lastSignOutReason, useSession } from "../../api/session";
import { Notices } from "../../ui/Notices";
import { ErrorState, LoadingState } from "../../ui/States";
import { IdleNotice } from "./IdleNotice";
import type { CameFrom } from "./return_place";

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
    const state: CameFrom = { from: location.pathname + location.search };
    return <Navigate to="/password" replace state={state} />;
  }
  return (
    <>
      <Outlet context={data satisfies Session} />
      <IdleNotice timeoutS={data.idle_timeout_s} />
      <Notices />
    </>
  );
}
