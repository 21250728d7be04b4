/** Warnings that several kinds share: labels of nodes that have new names, amounts with fractions of bytes. */
import { own } from '#base/own.ts'
import { labelValue } from '#machinery/names.ts'
import { Quantity } from '#machinery/quantity.ts'
import type { Path } from '../validation/check.ts'

const deprecatedLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
}

export const labelDeprecation = (key: string): string | undefined => own(deprecatedLabels, key)

interface Term {
  matchExpressions?: { key: string; values?: string[] }[]
}

export function nodeTermWarnings({ matchExpressions = [] }: Term, checksValues: boolean, at: Path): string[] {
  return matchExpressions.flatMap(({ key, values = [] }, i) => {
    const place = at.at('matchExpressions').index(i)
    const deprecation = labelDeprecation(key)
    return [
      ...(deprecation ? [`${place.at('key')}: ${key} is ${deprecation}`] : []),
      ...values.flatMap((value, j) =>
        checksValues
          ? labelValue(value).map((why) => `${place.at('values').index(j)}: ${value} is invalid, ${why}`)
          : [],
      ),
    ]
  })
}

const MILLI = -3

export const isFractional = (amount: string): boolean => Quantity.parse(amount).exactValue(MILLI) % 1000n !== 0n
