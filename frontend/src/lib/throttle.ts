/** Call at most once per interval, always with the latest argument last. */
export function throttle<Argument>(
  call: (argument: Argument) => void,
  intervalMs: number,
): { (argument: Argument): void; cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let latest: { argument: Argument } | undefined;
  const fire = () => {
    timer = undefined;
    if (!latest) return;
    const { argument } = latest;
    latest = undefined;
    call(argument);
    timer = setTimeout(fire, intervalMs);
  };
  const throttled = (argument: Argument) => {
    latest = { argument };
    if (timer === undefined) fire();
  };
  throttled.cancel = () => {
    clearTimeout(timer);
    timer = undefined;
    latest = undefined;
  };
  return throttled;
}
