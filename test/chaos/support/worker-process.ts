import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { SETTINGS_VARIABLE } from '../worker/protocol.js';
import type { Order, Report, WorkerSettings } from '../worker/protocol.js';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type Engine = Extract<Report, { type: 'engine' }>;

/** A worker in a process of its own: a Nest application that serves the workflows of `../worker`. */
export class WorkerProcess {
  readonly name: string;
  readonly reports: Report[] = [];
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #output = '';
  #exit: Exit | undefined;
  /** Kills the process should the test die while the process is stopped and cannot hear of it. */
  #guard: ChildProcess | undefined;

  constructor(settings: WorkerSettings) {
    this.name = settings.name;
    this.#child = spawn(process.execPath, ['--enable-source-maps', mainFile()], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, NO_COLOR: '1', [SETTINGS_VARIABLE]: JSON.stringify(settings) },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    this.#child.on('message', (report: Report) => {
      this.reports.push(report);
      this.#look();
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#exit = { code, signal };
        this.#guard?.kill();
        resolve(this.#exit);
        this.#look();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }
  /** What it has printed. */
  get output(): string {
    return this.#output;
  }
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** What its engine has noticed, how often, and what it has printed last. */
  summary(): string {
    const noticed = new Map<string, number>();
    for (const report of this.reports) {
      const what = report.type === 'engine' ? `${report.event} ${report.text}`.trim() : report.type;
      noticed.set(what, (noticed.get(what) ?? 0) + 1);
    }
    const ending = this.#exit ? `ended with ${JSON.stringify(this.#exit)}` : 'runs';
    return `${this.name} ${ending}: ${JSON.stringify(Object.fromEntries(noticed))}\n${this.#output.slice(-2_000)}`;
  }

  /** Resolves once it claims runs. */
  async ready(): Promise<this> {
    await this.until((report) => report.type === 'ready');
    await this.hears('worker registered');
    return this;
  }

  /** Resolves to the first report, now or later, that matches. Rejects when the process ends without it. */
  until<R extends Report = Report>(matches: (report: Report) => boolean, from = 0): Promise<R> {
    return new Promise((resolve, reject) => {
      let seen = from;
      const look = (): void => {
        for (; seen < this.reports.length; seen++) {
          const report = this.reports[seen]!;
          if (!matches(report)) continue;
          this.#waiting.delete(look);
          // Callers ask for what they match.
          return resolve(report as R);
        }
        if (!this.#exit) return;
        this.#waiting.delete(look);
        reject(new Error(`Worker ${this.name} has ended (${JSON.stringify(this.#exit)}).\n${this.#output}`));
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Its engine has noticed something of this type, behind the first `from` reports. */
  hears(event: string, from = 0): Promise<Engine> {
    return this.until<Engine>((report) => report.type === 'engine' && report.event === event, from);
  }
  heard(event: string): readonly Engine[] {
    return this.reports.filter((report) => report.type === 'engine' && report.event === event) as Engine[];
  }

  /** An attempt of the held activity has begun. */
  holds(label: string, attempt?: number): Promise<Extract<Report, { type: 'held' }>> {
    return this.until(
      (report) =>
        report.type === 'held' && report.label === label && (attempt ?? report.attempt) === report.attempt,
    );
  }
  letGo(label: string): void {
    this.#child.send({ type: 'let go', label } satisfies Order);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** As a machine that is too busy, or asleep. */
  pause(): void {
    if (this.#exit) return;
    const { pid } = this.#child;
    this.#guard ??= spawn('/bin/sh', ['-c', 'read _; kill -KILL "$1"', 'sh', String(pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.signal('SIGSTOP');
  }
  resume(): void {
    this.signal('SIGCONT');
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}

function mainFile(): string {
  const file = process.env['CONTINUUM_CHAOS_WORKER'];
  if (!file) throw new Error('No worker was compiled: name the file *.chaos-spec.ts');
  return file;
}
