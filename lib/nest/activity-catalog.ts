import type { ActivityDefinition, ActivityGroup, Class } from '../core/index.js';
import { isClass } from '../core/index.js';
import type { ActivityDraft } from './activity-draft.js';
import { ActivityDraftReader } from './activity-draft.js';
import { contested } from './names.js';
import { findProvider } from './dependencies.js';
import type { DescribedProvider } from './described-provider.js';

/** An activity or a compensation, and where it is done. */
export interface CatalogedActivity {
  readonly definition: ActivityDefinition;
  readonly provider: DescribedProvider;
  /**
   * How many arguments stand before the {@link ActivityContext}, for classes that are one activity and what undoes
   * them; `null` for methods, which ask for it by `ActivityContext.current()`.
   */
  readonly argumentsBeforeContext: number | null;
}

/** All activities and compensations of an application. Adds what is wrong with them to `problems`. */
export class ActivityCatalog {
  readonly #drafts = new Map<DescribedProvider, ReadonlyMap<string, ActivityDraft>>();
  readonly #providersByClass = new Map<Class, DescribedProvider>();
  readonly #groups = new Map<DescribedProvider, ActivityGroup>();
  readonly #problems: string[];

  constructor(
    providers: readonly DescribedProvider[],
    aliases: readonly DescribedProvider[],
    problems: string[],
  ) {
    this.#problems = problems;
    const reader = new ActivityDraftReader(problems);
    for (const provider of providers) {
      const drafts = reader.read(provider);
      if (drafts.size > 0) this.#drafts.set(provider, drafts);
    }
    this.#mapClasses(aliases);
    this.#refuseEqualNames();
    this.#refuseContestedNames();
    for (const draft of this.#all()) this.#link(draft);
    for (const [provider, drafts] of this.#drafts) this.#group(provider, drafts);
  }

  /** By name, compensations included. */
  get activities(): ReadonlyMap<string, CatalogedActivity> {
    return new Map(
      this.#all().map((draft) => [
        draft.definition.name,
        {
          definition: draft.definition,
          provider: draft.provider,
          argumentsBeforeContext: this.#arity(draft),
        },
      ]),
    );
  }

  /** The methods of a provider that are activities or compensations. */
  methodsOf(provider: DescribedProvider): readonly string[] {
    return [...(this.#drafts.get(provider)?.keys() ?? [])];
  }

  /** The activities of a provider; `undefined` when it has none. */
  groupOf(provider: DescribedProvider): ActivityGroup | undefined {
    return this.#groups.get(provider);
  }

  /** The activities that are meant by a class: by the provider's own class, by its token, or by an alias of it. */
  groupOfClass(type: Class): ActivityGroup | undefined {
    const provider = this.#providersByClass.get(type);
    return provider && this.#groups.get(provider);
  }

  #all(): ActivityDraft[] {
    return [...this.#drafts.values()].flatMap((drafts) => [...drafts.values()]);
  }

  #mapClasses(aliases: readonly DescribedProvider[]): void {
    const hosts = [...this.#drafts.keys()];
    const claim = (type: unknown, provider: DescribedProvider): void => {
      if (isClass(type) && !this.#providersByClass.has(type)) this.#providersByClass.set(type, provider);
    };
    // The token that a provider is registered under comes before the class that it is made of: with
    // `{ provide: Payments, useClass: FakePayments }` a workflow asks for Payments.
    for (const provider of hosts) claim(provider.wrapper.token, provider);
    for (const provider of hosts) for (const type of provider.classes) claim(type, provider);
    for (const { wrapper, module } of aliases) {
      const target = findProvider(module, wrapper.token);
      const host = hosts.find((candidate) => candidate.wrapper === target);
      if (host) claim(wrapper.token, host);
    }
  }

  #refuseEqualNames(): void {
    const byName = new Map<string, ActivityDraft>();
    for (const draft of this.#all()) {
      const { name } = draft.definition;
      const other = byName.get(name);
      if (!other) {
        byName.set(name, draft);
      } else if (other.contract === draft.contract) {
        this.#problems.push(
          `Two providers are the activity "${name}": ${placeOf(other)} and ${placeOf(draft)}.\n` +
            `Provide ${draft.contract.name} in one module and export it.`,
        );
      } else {
        this.#problems.push(
          `Two activities are named "${name}": ${placeOf(other)} and ${placeOf(draft)}.\n` +
            "Give one of them another name: @Activity({ name: '…' }).",
        );
      }
    }
  }

  #refuseContestedNames(): void {
    for (const { name, by } of contested(this.#all(), ({ definition }) => definition)) {
      const [one, other] = by.map(
        (draft) => `${placeOf(draft)}, ${draft.definition.name === name ? 'as its name' : 'as an alias'}`,
      );
      this.#problems.push(
        `Two activities claim the name "${name}": ${one}; and ${other}.\n` +
          'What a history knows by it can mean one of them only. Remove it from the "aliases" of the other.',
      );
    }
  }

  #link(draft: ActivityDraft): void {
    if (!draft.undoing) return;
    const place = `${draft.contract.name}.${draft.method}`;
    const target = this.#undoneBy(draft);
    if (typeof target === 'string') {
      this.#problems.push(`${place} ${target}`);
    } else if (target === draft) {
      this.#problems.push(
        draft.undoing.form === 'class'
          ? `${draft.contract.name} is marked @Compensate() without saying what it undoes.\nName the class: @Compensate(BookFlight).`
          : `${place} compensates itself. Name the activity it undoes: @Compensate('…').`,
      );
    } else if (target.definition.compensation) {
      this.#problems.push(
        `${target.definition.name} has two compensations: ${target.definition.compensation.name} and ${draft.definition.name}.\n` +
          'A completed activity is undone once. Keep one.',
      );
    } else {
      target.definition.compensation = draft.definition;
    }
  }

  /** What a compensation undoes, or what is wrong with it. */
  #undoneBy({ provider, contract, undoing }: ActivityDraft): ActivityDraft | string {
    const undoes = undoing!.undoes;
    switch (undoes.type) {
      case 'not loaded':
        return (
          'compensates a class that was not loaded yet: @Compensate() got undefined.\n' +
          'Two files import each other. Move the compensation next to its activity, or break the cycle.'
        );
      case 'method': {
        const target = this.#drafts.get(provider)?.get(undoes.method);
        if (target && (target.activity || target.undoing === undoing)) return target;
        return (
          `compensates "${undoes.method}", which is not an activity of ${contract.name}.\n` +
          `Mark ${undoes.method}() with @Activity(), or correct the name.`
        );
      }
      case 'class': {
        const host = this.#providersByClass.get(undoes.activity);
        const target = host && this.#drafts.get(host)?.get('execute');
        if (target?.activity) return target;
        return (
          `compensates ${undoes.activity.name}, which is not an activity of this application.\n` +
          `Mark ${undoes.activity.name} with @Activity() and list it in the "providers" of a module.`
        );
      }
      default:
        return undoes satisfies never;
    }
  }

  #arity({ activity, undoing, provider }: ActivityDraft): number | null {
    if (activity) return activity.form === 'class' ? 1 : null;
    if (undoing?.form === 'class') return 2;
    const undone =
      undoing?.undoes.type === 'method' ? this.#drafts.get(provider)?.get(undoing.undoes.method) : undefined;
    return undone?.activity?.form === 'class' ? 2 : null;
  }

  #group(provider: DescribedProvider, drafts: ReadonlyMap<string, ActivityDraft>): void {
    const activities = [...drafts.values()].filter((draft) => draft.activity);
    if (activities.length === 0) return;
    this.#groups.set(provider, {
      name: provider.name,
      activities: new Map(activities.map((draft) => [draft.method, draft.definition])),
    });
  }
}

const placeOf = ({ provider, contract, method }: ActivityDraft): string =>
  `${contract.name}.${method} in ${provider.module.name}`;
