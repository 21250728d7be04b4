/**
 * What is measured, and what is wanted: one line a row. Upstream's figures are of Kubernetes v1.36.2 with etcd 3.5,
 * containerd 2.1 and runc on a shared machine with two cores, taken with the same method as bench/ uses; see
 * docs/performance.md. They serve as the measure where no upstream is there to be measured side by side.
 */

/**
 * @typedef {object} Row
 * @property {string} id what `--only` names
 * @property {string} group rows of a group are measured together, by one program
 * @property {string} name
 * @property {string} unit
 * @property {'more' | 'less'} better
 * @property {number} [upstream] as published; absent where nothing was
 * @property {number} [factor] how many times better than upstream it shall be
 * @property {number} [target] a target of its own, in the row's unit
 */

/** @type {readonly Row[]} */
export const rows = [
  row('start', 'start', 'start until /readyz', 's', 'less', 4.3, { target: 0.5 }),
  row('get', 'api', 'get a pod', '/s', 'more', 1772, { factor: 5 }),
  row('list', 'api', 'list 5,000 pods', '/s', 'more', 3.9, { factor: 10 }),
  row('list-label', 'api', 'list by label, 250 of 5,000', '/s', 'more', 61, { factor: 10 }),
  row('list-limit', 'api', 'list limit=500', '/s', 'more', 34, { factor: 10 }),
  row('watch', 'api', 'watch fan-out, 500 watchers', 'events/s', 'more', 26_437, { factor: 4 }),
  row('patch', 'api', 'strategic merge patch', '/s', 'more', 379, { factor: 6 }),
  row('create', 'api', 'create a pod', '/s', 'more', 500, { factor: 5 }),
  row('delete', 'api', 'delete a pod', '/s', 'more', 361, { factor: 10 }),
  row('watches-idle', 'watches', '10,000 idle watches, 100 on a connection, resident', 'MB', 'less', undefined, {
    target: 200,
  }),
  row('watches-idle-20', 'watches', '10,000 idle watches, 20 on a connection, resident', 'MB', 'less', undefined, {
    target: 200,
  }),
  row('custom-get', 'custom', 'get of 10,000 custom objects, as part of built-in ones', 'x', 'more', undefined, {
    target: 1,
  }),
  row('custom-list', 'custom', 'list limit=500 of them, as part', 'x', 'more', undefined, { target: 1 }),
  row('custom-patch', 'custom', 'merge patch of them, as part', 'x', 'more', undefined, { target: 1 }),
  row('custom-create', 'custom', 'create of them, as part', 'x', 'more', undefined, { target: 1 }),
  row('schedule', 'schedule', 'create and schedule 5,000 pods on 1,000 nodes', 'pods/s', 'more', 116, { factor: 10 }),
  row('scheduler', 'scheduler', 'scheduler alone, 5,000 nodes', 'pods/s', 'more', 810, { factor: 10 }),
  row('scheduler-affinity', 'scheduler', 'scheduler alone, preferred pod affinity', 'pods/s', 'more', 90, {
    factor: 10,
  }),
  row('scheduler-anti', 'scheduler', 'scheduler alone, required pod anti-affinity', 'pods/s', 'more', 60, {
    factor: 10,
  }),
  row('cluster-up', 'node', 'cluster up, application answering by DNS name', 's', 'less', 19.9, { target: 3 }),
  row('node-start', 'node', 'node start to Ready', 's', 'less', 0.9, { target: 0.5 }),
  row('memory-server', 'idle', 'control plane, idle, resident', 'MB', 'less', 500, { target: 120 }),
  row('memory-all', 'idle', 'control plane, agent and runtime, idle, resident', 'MB', 'less', 833, { target: 250 }),
  row('idle-cpu', 'idle', 'all of it, idle, CPU', 'ms/s', 'less'),
  row('pod-start', 'pods', 'pod of a present image, created to Running, median of 20', 's', 'less', 0.73, {
    target: 0.3,
  }),
  row('exec', 'pods', 'kubectl exec p -- true, median of 10', 's', 'less', 0.21, { target: 0.13 }),
  row('logs-100', 'pods', 'kubectl logs of 10 MB, lines of 100 bytes', 'MB/s', 'more', 2.5, { factor: 10 }),
  row('logs-100-api', 'pods', 'the same log from the API, without kubectl', 'MB/s', 'more'),
  row('logs-1k', 'pods', 'kubectl logs of 10 MB, lines of 1 KB', 'MB/s', 'more', 17, { factor: 10 }),
  row('logs-1k-api', 'pods', 'the same log from the API, without kubectl', 'MB/s', 'more'),
  row('pods-50', 'pods', '50 pods at once, all Running', 's', 'less', 16, { factor: 4 }),
  row('pods-50-cpu', 'pods', '50 pods at once, CPU of each', 's', 'less', 0.54, { factor: 4 }),
  row('delete-50', 'pods', '50 pods deleted, grace 1 s', 's', 'less', 12.8, { factor: 4 }),
  row('memory-node', 'pods', "node's own parts with 50 pods, proportional", 'MB', 'less', 333, { factor: 3 }),
  row('memory-pod', 'pods', "node's own parts, for each pod, proportional", 'MB', 'less', 4.7, { factor: 3 }),
]

function row(id, group, name, unit, better, upstream, wanted = {}) {
  return { id, group, name, unit, better, upstream, ...wanted }
}

/** The target in the row's unit, given upstream's figure; undefined where there is none. */
export function targetOf({ target, factor, better }, upstream) {
  if (target !== undefined || factor === undefined || upstream === undefined) return target
  return better === 'more' ? upstream * factor : upstream / factor
}

/** How many times better `value` is than `other`. */
export const timesBetter = ({ better }, value, other) => (better === 'more' ? value / other : other / value)
