export const reading = {
  "reading.loading": "Öffnet die Studie",
} as const;
