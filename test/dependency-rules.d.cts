type Rule = {
  readonly name: string;
  readonly severity: 'error';
  readonly from: {readonly path?: string};
  readonly to: {
    readonly path?: string;
    readonly circular?: true;
    readonly dependencyTypes?: readonly string[];
  };
};
declare const rules: {
  readonly forbidden: readonly Rule[];
  readonly options: Readonly<Record<string, unknown>>;
};
export = rules;
