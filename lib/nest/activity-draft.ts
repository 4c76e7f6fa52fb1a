import type { ActivityDefinition, ActivityOptions, Class } from '../core/index.js';
import {
  DEFAULT_ACTIVITY_OPTIONS,
  InvalidActivityOptionsError,
  isClass,
  methodOf,
  resolveActivityOptions,
} from '../core/index.js';
import type { ActivityMark, CompensationMark } from './activity-marks.js';
import { activityMarks, compensationMarks } from './activity-marks.js';
import { aliasesProblem } from './names.js';
import { blindParameters } from './dependencies.js';
import type { DescribedProvider } from './described-provider.js';

/** An activity or a compensation as it is declared; which compensation undoes it is known once all are read. */
export interface ActivityDraft {
  readonly provider: DescribedProvider;
  readonly contract: Class;
  readonly method: string;
  readonly activity: ActivityMark | undefined;
  readonly undoing: CompensationMark | undefined;
  readonly definition: Omit<ActivityDefinition, 'compensation'> & { compensation: ActivityDefinition | null };
}

/** Reads the activities and compensations of providers. Adds what is wrong with them to `problems`. */
export class ActivityDraftReader {
  readonly #problems: string[];

  constructor(problems: string[]) {
    this.#problems = problems;
  }

  /** By method; empty when the provider has none. */
  read(provider: DescribedProvider): ReadonlyMap<string, ActivityDraft> {
    const drafts = new Map<string, ActivityDraft>();
    const { contract } = provider;
    if (!contract) return drafts;
    const activities = this.#marks(provider, (type) => activityMarks.of(type), '@Activity()');
    const undoings = this.#marks(provider, (type) => compensationMarks.of(type), '@Compensate()');
    this.#refuseStatics(provider);
    if (activities.size + undoings.size > 0) this.#refuseBlindConstructor(provider);
    for (const method of new Set([...activities.keys(), ...undoings.keys()])) {
      const draft = this.#draftOf(provider, contract, method, activities.get(method), undoings.get(method));
      if (draft) drafts.set(method, draft);
    }
    return drafts;
  }

  #draftOf(
    provider: DescribedProvider,
    contract: Class,
    method: string,
    activity: ActivityMark | undefined,
    undoing: CompensationMark | undefined,
  ): ActivityDraft | undefined {
    const place = `${contract.name}.${method}`;
    if (activity?.form === 'class' && undoing) {
      this.#problems.push(
        `${contract.name} is marked @Activity() and @Compensate(): execute() would get (input, ctx) as the one and (result, input, ctx) as the other.\n` +
          'Write two classes.',
      );
      return undefined;
    }
    if (activity && undoing && hasMembers(activity.options) && hasMembers(undoing.options)) {
      this.#problems.push(
        `${place} is given options by @Activity() and by @Compensate(), but it is one activity with one set of options.\n` +
          'Give them to @Activity() alone.',
      );
    }
    const options =
      activity && hasMembers(activity.options) ? activity.options : (undoing ?? activity)!.options;
    const form = (activity ?? undoing)!.form;
    const name = this.#nameOf(contract, method, form, options);
    const ofAliases = aliasesProblem(options.aliases, name);
    if (ofAliases !== null)
      this.#problems.push(`${activity ? '@Activity()' : '@Compensate()'} of ${place}: ${ofAliases}`);
    const definition = {
      name,
      aliases: Array.isArray(options.aliases) ? [...options.aliases] : [],
      method,
      options: this.#resolve(place, activity ? '@Activity()' : '@Compensate()', options),
      compensation: null,
    };
    return { provider, contract, method, activity, undoing, definition };
  }

  #nameOf(contract: Class, method: string, form: 'class' | 'method', options: ActivityOptions): string {
    if (options.name === undefined && contract.name === '') {
      this.#problems.push(
        `A class without a name has the activity "${method}". Histories know an activity by name.\n` +
          "Name the class, or the activity: @Activity({ name: '…' }).",
      );
    }
    return options.name ?? (form === 'class' ? contract.name : `${contract.name}.${method}`);
  }

  #resolve(place: string, decorator: string, options: ActivityOptions): ActivityDefinition['options'] {
    try {
      return resolveActivityOptions(options);
    } catch (error) {
      if (!(error instanceof InvalidActivityOptionsError)) throw error;
      for (const problem of error.problems) this.#problems.push(`${decorator} of ${place}: ${problem}`);
      return DEFAULT_ACTIVITY_OPTIONS;
    }
  }

  /** The mark of each method, by the implementation or by the class the provider is asked for by. */
  #marks<Mark>(
    provider: DescribedProvider,
    marksOf: (type: Class) => ReadonlyMap<string | symbol, readonly Mark[]>,
    decorator: string,
  ): Map<string, Mark> {
    const found = new Map<string, Mark>();
    for (const type of provider.classes) {
      for (const [method, marks] of marksOf(type)) {
        const place = `${type.name}.${String(method)}`;
        const mark = marks.at(-1);
        if (typeof method === 'symbol') {
          this.#problems.push(
            `${place} is marked ${decorator}, but a symbol gives no name. Give the method an ordinary name.`,
          );
        } else if (!methodOf(type, method)) {
          this.#problems.push(
            `${place} is marked ${decorator}, but is not a method of the class.\nWrite a method instead of a property or a getter: async ${method}(…) { … }.`,
          );
        } else if (mark && !found.has(method)) {
          if (marks.length > 1)
            this.#problems.push(`${place} is marked ${decorator} ${marks.length} times. Keep one.`);
          found.set(method, mark);
        }
      }
    }
    return found;
  }

  /** Nest would call the constructor without arguments, and each attempt would fail on something undefined. */
  #refuseBlindConstructor({ wrapper }: DescribedProvider): void {
    // A factory or a value makes its object by itself.
    const type: unknown = wrapper.inject ? undefined : wrapper.metatype;
    if (!isClass(type) || wrapper.isNotMetatype) return;
    const blind = blindParameters(type);
    if (blind === 0) return;
    this.#problems.push(
      `${type.name} has activities and a constructor with ${blind} parameter${blind === 1 ? '' : 's'} whose types are not known at run time: Nest passes undefined for each.\n` +
        'Decorate the class that declares the constructor with @Injectable(), and compile with emitDecoratorMetadata (tsx and esbuild emit none).',
    );
  }

  #refuseStatics(provider: DescribedProvider): void {
    for (const type of provider.classes) {
      for (const method of [
        ...activityMarks.ofStatics(type).keys(),
        ...compensationMarks.ofStatics(type).keys(),
      ]) {
        this.#problems.push(
          `The static method ${type.name}.${String(method)} is marked @Activity() or @Compensate(), but an activity is called on its provider.\n` +
            'Make it an instance method.',
        );
      }
    }
  }
}

const hasMembers = (options: object): boolean => Object.keys(options).length > 0;
