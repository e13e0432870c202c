/** Läsionen auf der Befundseite, Voraufnahmen daneben und der Bildstreifen. */
export const compare = {
  "lesions.of": "Läsionen von {segment}",
  "lesions.jump": "Läsion {number}: {diameters}. Anzeigen.",
  "lesions.volume": "{volume} mL (95 %: {low} bis {high})",
  "lesions.volume_open": "{volume} mL (95 %: mindestens {low})",
  "lesions.measuring": "Wird gemessen",
  "lesions.after_saving": "Gemessen nach dem Speichern",
  "lesions.after_run": "Gemessen, sobald der Lauf endet",
  "lesions.more": { one: "und {count} kleinere", other: "und {count} kleinere" },
  "filmstrip.label": "Dieselbe Stelle an jedem Datum",
  "filmstrip.open": "{date} an dieser Stelle öffnen",
  "filmstrip.unmarked": "nicht markiert",
  "filmstrip.no_picture": "Kein Bild: Die Serie ist kein einfaches Volumen",
  "filmstrip.undated": "Ohne Datum",
};
