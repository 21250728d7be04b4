/** Events, as the core API judges them. Upstream: `legacyValidateEvent`. */
import { dnsSubdomain, qualifiedName } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import { type Path, type Problems, ROOT } from './check.ts'
import type { Rules } from './rules.ts'

const MAX_WORD = 128
const MAX_MESSAGE = 1024
/** Events about things without a namespace are kept here. */
const COMMON = ['default', 'kube-system']

function checkLength(text: string, max: number, at: Path, to: Problems) {
  if (text.length > max) to.invalid(at, '', `can have at most ${max} characters`)
}

const valid = (event: Stored, _at: Path, to: Problems) => {
  const { involvedObject = {}, metadata } = event
  const namespace: string = metadata.namespace ?? ''
  const about: string = involvedObject.namespace ?? ''
  const differs = () => to.invalid(ROOT.at('involvedObject', 'namespace'), about, 'does not match event.namespace')
  if (event.eventTime) {
    if (!about && !COMMON.includes(namespace)) differs()
    checkReport(event, to)
  } else if (about ? about !== namespace : namespace && namespace !== 'default') differs()
  to.each(ROOT.at('namespace'), namespace, dnsSubdomain(namespace))
}

/** What came with the newer kind of events, which say who reports what was done. */
function checkReport(event: Stored, to: Problems) {
  const text = (name: string): string => event[name] ?? ''
  const reporter = text('reportingComponent')
  if (!reporter) to.required(ROOT.at('reportingComponent'))
  to.each(ROOT.at('reportingComponent'), reporter, qualifiedName(reporter))
  for (const name of ['reportingInstance', 'action', 'reason']) {
    if (!text(name)) to.required(ROOT.at(name))
    checkLength(text(name), MAX_WORD, ROOT.at(name), to)
  }
  checkLength(text('message'), MAX_MESSAGE, ROOT.at('message'), to)
}

export const eventRules: Rules = { valid }
