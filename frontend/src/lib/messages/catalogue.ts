import type { en } from "./en";

type English = typeof en;

export type MessageKey = keyof English;

/** A text, or its forms by grammatical number (chosen by the parameter `count`). */
export type Message = string | { readonly one: string; readonly other: string };

export type Catalogue = { readonly [Key in MessageKey]: English[Key] extends string ? string : Message };

type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholders<Rest> : never;

type Forms<Entry> = Entry extends string ? Entry : Entry extends { other: infer Other } ? Other : never;

type Names<Key extends MessageKey> = Placeholders<Forms<English[Key]>>;

/** The parameters a message must be given: none, or one value per `{placeholder}`. */
export type MessageParameters<Key extends MessageKey> = [Names<Key>] extends [never]
  ? []
  : [parameters: { readonly [Name in Names<Key>]: string | number }];

/** The messages that need no parameters: names of columns, buttons and acts. */
export type PlainMessageKey = {
  [Key in MessageKey]: [Names<Key>] extends [never] ? Key : never;
}[MessageKey];
