import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** A sample as plain JavaScript, with the library it imports, in a folder of its own. */
export class CompiledSample {
  readonly #folder: string;
  readonly #main: string;

  constructor(sample: string) {
    // Below node_modules, so that what it imports is found.
    const cache = join(ROOT, 'node_modules/.cache');
    mkdirSync(cache, { recursive: true });
    this.#folder = mkdtempSync(join(cache, 'continuum-sample-'));
    this.#main = join(this.#folder, 'sample', sample, 'src/main.js');
    this.#write('tsconfig.json', {
      extends: join(ROOT, 'tsconfig.build.json'),
      compilerOptions: { rootDir: ROOT, outDir: this.#folder, declaration: false, noCheck: true },
      include: ['lib', 'migrations', `sample/${sample}/src`].map((source) => join(ROOT, source)),
      exclude: [],
    });
    // It imports the library by name: the folder is the package.
    this.#write('package.json', {
      name: 'nestjs-continuum',
      type: 'module',
      exports: { '.': './lib/index.js' },
    });
    const compiler = join(ROOT, 'node_modules/ts7/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', this.#folder], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`The sample does not compile:\n${stdout}`);
  }

  /** Resolves once it says where it listens. */
  async start(env: Readonly<Record<string, string>>): Promise<SampleProcess> {
    const child = spawn(process.execPath, ['--enable-source-maps', this.#main], {
      cwd: dirname(this.#main),
      env: { ...process.env, NO_COLOR: '1', PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const running = new SampleProcess(child);
    await running.listening;
    return running;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(name: string, content: object): void {
    writeFileSync(join(this.#folder, name), JSON.stringify(content));
  }
}

export class SampleProcess {
  url = '';
  readonly listening: Promise<void>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #lines: string[] = [];

  constructor(child: ChildProcess) {
    this.#child = child;
    // Later than its exit: everything that it said has been read.
    this.#ended = once(child, 'close');
    this.listening = new Promise((resolve, reject) => {
      const hear = (line: string): void => {
        this.#lines.push(line);
        const url = /(http:\/\/\S+)\/orders,/.exec(line)?.[1];
        if (url === undefined) return;
        this.url = url;
        resolve();
      };
      for (const output of [child.stdout!, child.stderr!]) createInterface(output).on('line', hear);
      void this.#ended.then(() => reject(new Error(`It ended before it listened:\n${this.output}`)));
    });
  }

  get output(): string {
    return this.#lines.join('\n');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** As an operator ends it. Gives the code or the signal it ended by. */
  async end(): Promise<unknown> {
    this.#child.kill('SIGTERM');
    await this.#ended;
    return this.#child.exitCode ?? this.#child.signalCode;
  }
}
