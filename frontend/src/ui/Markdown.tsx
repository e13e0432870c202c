import { Fragment } from "react";

import { type Block, type Inline, readMarkdown } from "../lib/markdown";
import styles from "./Markdown.module.css";

function Words({ content }: { readonly content: readonly Inline[] }) {
  return (
    <>
      {content.map(({ kind, text }, index) => {
        if (kind === "strong") return <strong key={index}>{text}</strong>;
        if (kind === "code") return <code key={index}>{text}</code>;
        return <Fragment key={index}>{text}</Fragment>;
      })}
    </>
  );
}

function Table({ rows }: { readonly rows: Extract<Block, { kind: "table" }>["rows"] }) {
  return (
    <table>
      <tbody>
        {rows.map((cells, row) => (
          <tr key={row}>
            {cells.map((cell, column) => (
              <td key={column}>
                <Words content={cell} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Part({ block }: { readonly block: Block }) {
  switch (block.kind) {
    case "heading":
      return (
        <p className={styles.heading} role="heading" aria-level={4}>
          <Words content={block.content} />
        </p>
      );
    case "list":
      return (
        <ul>
          {block.items.map((item, index) => (
            <li key={index}>
              <Words content={item} />
            </li>
          ))}
        </ul>
      );
    case "table":
      return <Table rows={block.rows} />;
    default:
      return (
        <p>
          <Words content={block.content} />
        </p>
      );
  }
}

/** Text that others wrote, drawn as elements: what looks like HTML in it is shown as it stands. */
export function Markdown({ text }: { readonly text: string }) {
  return (
    <div className={styles.text}>
      {readMarkdown(text).map((block, index) => (
        <Part key={index} block={block} />
      ))}
    </div>
  );
}
