import { expect, it } from 'vitest'
import type { SecurityContext } from '#api/core/v1/container.ts'
import type { PodSecurityContext } from '#api/core/v1/pod.ts'
import { tokenAccess } from './payload.ts'

const access = (securityContext: PodSecurityContext, ...containers: SecurityContext[]) => {
  const spec = { securityContext, containers: containers.map((own, i) => ({ name: `c${i}`, securityContext: own })) }
  return tokenAccess({ spec } as never, 0o644)
}

it.each([
  ['whoever runs there', access({}, {}), { mode: 0o644 }],
  ['the user of the pod', access({ runAsUser: 1000 }, {}, {}), { mode: 0o600, uid: 1000 }],
  ['the only user of its containers', access({}, { runAsUser: 7 }, { runAsUser: 7 }), { mode: 0o600, uid: 7 }],
  ['nobody in particular, where users differ', access({ runAsUser: 1 }, {}, { runAsUser: 7 }), { mode: 0o644 }],
  ['the group of the pod', access({ fsGroup: 10_000 }, {}), { mode: 0o600 }],
  ['both', access({ fsGroup: 10_000, runAsUser: 1000 }, {}), { mode: 0o600, uid: 1000 }],
])('a token is for %s', (_who, found, expected) => expect(found).toEqual(expected))
