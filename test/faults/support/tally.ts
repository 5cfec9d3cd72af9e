/** What the suite tried and what was lost: printed, and kept for `docs/reliability.md` where FLOWLOOM_TALLY names a directory. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One row of the table of faults. */
export interface Row {
  /** What was disturbed. */
  readonly operation: string;
  /** By what. */
  readonly fault: string;
  /** How often. */
  readonly tried: number;
  /** How many promises were broken. */
  readonly lost: number;
}

/** Counts while a test runs. */
export class Tally {
  readonly #name: string;
  readonly #rows = new Map<string, Row>();

  constructor(name: string) {
    this.#name = name;
  }

  count(operation: string, fault: string, lost: boolean | number = 0, tried = 1): void {
    const key = `${operation}\n${fault}`;
    const before = this.#rows.get(key) ?? { operation, fault, tried: 0, lost: 0 };
    this.#rows.set(key, { ...before, tried: before.tried + tried, lost: before.lost + Number(lost) });
  }

  get rows(): Row[] {
    return [...this.#rows.values()];
  }

  get tried(): number {
    return this.rows.reduce((sum, row) => sum + row.tried, 0);
  }

  get lost(): number {
    return this.rows.reduce((sum, row) => sum + row.lost, 0);
  }

  /** One line for people, and the rows for the document. */
  report(more = ''): void {
    const operations = new Set(this.rows.map(({ operation }) => operation)).size;
    const faults = new Set(this.rows.map(({ fault }) => fault)).size;
    process.stdout.write(
      `${this.#name}: ${operations} operations × ${faults} faults, ${this.tried} tried, ${this.lost} violations${more}\n`,
    );
    const folder = process.env.FLOWLOOM_TALLY;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${this.#name}.json`), JSON.stringify(this.rows));
  }
}
