/**
 * Documents must stay true: a link leads to a file that is there, a link with code for its text to a file that has that
 * name in it, and a command that is told of exists.
 */
import { posix } from 'node:path'
import { findAll } from './source.mjs'

const LINK = /(?<!!)\[([^\]\n]+)\]\(([^)\s]+)\)/g

/** Text without fenced blocks, whose lines stay. */
const withoutFences = (text) => text.replace(/^```[^]*?^```/gm, (block) => block.replace(/[^\n]/g, ' '))

/**
 * @param {import('./source.mjs').Source} source
 * @param {(path: string) => string | undefined} read the text of a file of the repository, '' for a folder
 */
export function linksLeadSomewhere({ path, text }, read) {
  if (!path.endsWith('.md')) return []
  return findAll(withoutFences(text), LINK, (match) => match).flatMap(({ line, message: [, label, href] }) => {
    if (/^([a-z]+:|#)/.test(href)) return []
    const target = posix.join(posix.dirname(path), decodeURI(href.split('#')[0])).replace(/\/$/, '')
    const content = read(target)
    if (content === undefined) return [{ line, message: `links to ${target}, which is not there` }]
    const name = /^`([\w.]+)(\(\))?`$/.exec(label)?.[1]
    if (content === '' || !name || posix.basename(target).startsWith(name)) return []
    const missing = name.split('.').find((part) => !new RegExp(`\\b${part}\\b`).test(content))
    return missing ? [{ line, message: `${target} has nothing named ${missing}` }] : []
  })
}

/** @param {ReadonlySet<string>} scripts of package.json */
export function commandsExist({ path, text }, scripts) {
  if (!path.endsWith('.md')) return []
  return findAll(text, /\bnpm run (\w[\w:-]*)/g, ([, name]) => name)
    .filter(({ message }) => !scripts.has(message))
    .map(({ line, message }) => ({ line, message: `package.json has no script ${message}` }))
}

/** Versions are pinned: what was tested is what is installed. */
export function pinnedVersions({ path, text }) {
  if (path !== 'package.json') return []
  const { dependencies = {}, devDependencies = {} } = JSON.parse(text)
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => ({
      line: text.slice(0, text.indexOf(`"${name}"`)).split('\n').length,
      message: `${name} is not pinned: ${version}`,
    }))
}
