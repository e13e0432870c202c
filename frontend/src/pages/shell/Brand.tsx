/** SegWeb's mark: an organ's outline with something found in it. */
export function Brand({ size = 20 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable="false">
      <circle cx="16" cy="16" r="13" fill="none" stroke="var(--ink-quiet)" strokeWidth="2.5" />
      <path d="M16 8c5 0 8 4 6.500 8.500s-5.500 6-9.500 5-5-7-3.500-10S12.500 8 16 8z" fill="var(--accent)" />
    </svg>
  );
}
