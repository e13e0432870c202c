import { Outlet } from "react-router";

import { UploadArea } from "../uploads/UploadArea";
import styles from "./AppFrame.module.css";
import { TopBar } from "./TopBar";
import { useSignedIn } from "./use_signed_in";
import { useWorklistSocket } from "./use_worklist_socket";

/** The frame of every page but the reading page: bar above, page, uploads below; files may be dropped anywhere. */
export function AppFrame() {
  const session = useSignedIn();
  useWorklistSocket();
  return (
    <div className={styles.frame}>
      <TopBar session={session} />
      <main id="content" tabIndex={-1} className={styles.content}>
        <Outlet context={session} />
      </main>
      <UploadArea user={session.user} />
    </div>
  );
}
