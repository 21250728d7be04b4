/**
 * Bodies of about the largest size that is read, made of as many elements as fit: what each costs is multiplied by a hundred
 * thousand, and what looks at each pair of them never ends.
 */
import { validatingAdmissionPolicies } from '#api/resources.ts'
import { MAX_BODY_BYTES } from '#apiserver/http/body.ts'

export interface WideRequest {
  readonly what: string
  readonly method: 'POST' | 'PUT' | 'PATCH'
  readonly path: string
  readonly contentType: string
  /** Made when it is needed, for each is of megabytes. */
  body(): string
}

const JSON_TYPE = 'application/json'
const APPLY = 'application/apply-patch+yaml'
/** The most that elements can have together: leaves room for what stands around them. */
export const WIDEST_BYTES = MAX_BODY_BYTES - 4096

/** As many elements as fit into `bytes`, with commas in between. */
function fill(bytes: number, one: (name: string, i: number) => string): string {
  const parts: string[] = []
  let length = 0
  for (let i = 0; length < bytes; i++) {
    const part = one(`a${i.toString(36)}`, i)
    parts.push(part)
    length += part.length + 1
  }
  return parts.slice(0, -1).join()
}

const core = (plural: string) => `/api/v1/namespaces/default/${plural}`
const named = (apiVersion: string, kind: string, content: string, meta = '') =>
  `{"apiVersion":"${apiVersion}","kind":"${kind}","metadata":{"name":"wide"${meta}},${content}}`
const configMap = (content: string, meta = '') => named('v1', 'ConfigMap', content, meta)
const pod = (spec: string, meta = '') => named('v1', 'Pod', `"spec":{${spec}}`, meta)
const CONTAINER = '"containers":[{"name":"a","image":"i"}]'

const FIRST = 'data'
const post = (what: string, path: string, body: () => string, contentType = JSON_TYPE): WideRequest => ({
  what,
  method: 'POST',
  path,
  contentType,
  // Each has a name of its own.
  body: () => body().replace('"wide"', `"${what === FIRST ? 'wide' : what.replaceAll(' ', '-')}"`),
})
const patch = (what: string, path: string, contentType: string, body: () => string): WideRequest => ({
  what,
  method: 'PATCH',
  path,
  contentType,
  body,
})

const configMaps = core('configmaps')
const pods = core('pods')
const policies = `/apis/${validatingAdmissionPolicies.apiVersion}/${validatingAdmissionPolicies.plural}`
const owned = (content: string) =>
  `"apiVersion":"v1","fieldsType":"FieldsV1","operation":"Update","fieldsV1":{${content}}`

/** In an order in which later ones find what earlier ones made. `bytes`: of elements in each. */
export function wideRequests(bytes: number): readonly WideRequest[] {
  const elements = (one: (name: string, i: number) => string, share = bytes) => fill(share, one)
  const members = (prefix = '') => elements((name) => `"${prefix}${name}":""`)
  return [
    post(FIRST, configMaps, () => configMap(`"data":{${members()}}`)),
    {
      ...post(FIRST, `${configMaps}/wide`, () => configMap(`"data":{${members('b')}}`)),
      what: 'other data',
      method: 'PUT',
    },
    patch('more data', `${configMaps}/wide`, 'application/merge-patch+json', () => `{"data":{${members('c')}}}`),
    patch(
      'more data by strategy',
      `${configMaps}/wide`,
      'application/strategic-merge-patch+json',
      () => `{"data":{${members('d')}}}`,
    ),
    patch('applied data', `${configMaps}/wide2?fieldManager=m`, APPLY, () =>
      configMap(`"data":{${members()}}`).replace('"wide"', '"wide2"'),
    ),
    post('labels', configMaps, () => configMap('"data":{}', `,"labels":{${members()}}`)),
    post('annotations', configMaps, () => configMap('"data":{}', `,"annotations":{${members()}}`)),
    post('finalizers', configMaps, () =>
      configMap('"data":{}', `,"finalizers":[${elements((name) => `"${name}/x"`)}]`),
    ),
    post('owners', configMaps, () =>
      configMap(
        '"data":{}',
        `,"ownerReferences":[${elements((name) => `{"apiVersion":"v1","kind":"Pod","name":"a","uid":"${name}","controller":true}`)}]`,
      ),
    ),
    post('managers', configMaps, () =>
      configMap(
        '"data":{}',
        `,"managedFields":[${elements((name) => `{"manager":"${name}",${owned(`"f:${name}":{}`)}}`)}]`,
      ),
    ),
    post('an unprintable manager', configMaps, () =>
      configMap(
        '"data":{}',
        `,"managedFields":[{"manager":"${'\\u0001'.repeat(Math.floor(bytes / 6))}",${owned('"f:data":{}')}}]`,
      ),
    ),
    post('repeated members', configMaps, () => configMap(`"data":{${elements((_, i) => `"${i >> 1}":""`)}}`)),
    post('empty containers', pods, () => pod(`"containers":[${elements(() => '{}')}]`)),
    post('containers', pods, () => pod(`"containers":[${elements((name) => `{"name":"${name}","image":"i"}`)}]`)),
    post('spread constraints', pods, () =>
      pod(
        `${CONTAINER},"topologySpreadConstraints":[${elements((name) => `{"maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","topologyKey":"${name}"}`)}]`,
      ),
    ),
    post('keys of labels', pods, () =>
      pod(
        `${CONTAINER},"topologySpreadConstraints":[{"maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","topologyKey":"a","matchLabelKeys":[${elements((name) => `"${name}"`, bytes / 2)}],"labelSelector":{"matchExpressions":[${elements((name) => `{"key":"${name}","operator":"Exists"}`, bytes / 2)}]}}]`,
      ),
    ),
    post('overlapping paths', pods, () =>
      pod(
        `${CONTAINER},"volumes":[{"name":"v","configMap":{"name":"c","items":[${elements((name) => `{"key":"a","path":"${name}"}`)}]}}]`,
      ),
    ),
    post('scopes', core('resourcequotas'), () =>
      named(
        'v1',
        'ResourceQuota',
        `"spec":{"hard":{${elements((name) => `"count/${name}":"1"`, bytes / 2)}},"scopes":[${elements(() => '"Terminating"', bytes / 2)}]}`,
      ),
    ),
    post('variables', policies, () =>
      named(
        validatingAdmissionPolicies.apiVersion,
        validatingAdmissionPolicies.kind,
        `"spec":{"variables":[${elements((name) => `{"name":"${name}","expression":"variables.x"}`)}]}`,
      ),
    ),
  ]
}
