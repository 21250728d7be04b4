/** Where the API keeps a group version: `api/v1` or `apis/apps/v1`, without a slash before it. */
export const groupPath = ({ group, version }: { readonly group: string; readonly version: string }): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`
