// What was said around a call's bodies: request line, headers (secrets masked), sizes and hashes.
import type { RawHeaders } from '../../domain/index.ts';
import type { BodyFacts, RecordedExchange } from '../../store/index.ts';
import type { Paint } from './paint.ts';
import { safeLine } from './safe-text.ts';
import { asTyped } from './typed-command.ts';
import { sayBytes } from './words.ts';

export function renderExchange(exchange: RecordedExchange, shortId: string, paint: Paint): string {
  const { method, url, httpVersion, status, reason, responseHeaders } = exchange;
  const answer = status === null ? `none (${exchange.outcome})` : safeLine(`${status} ${reason ?? ''}`);
  return [
    `${paint.bold('Request')}  ${safeLine(`${method} ${url}`)}  ${paint.dim(`HTTP/${safeLine(httpVersion)}`)}`,
    ...renderHeaders(exchange.requestHeaders, paint),
    ...renderBody(exchange.request, asTyped(`tapes raw ${shortId} --request`), paint),
    '',
    `${paint.bold('Response')}  ${answer}`,
    ...renderHeaders(responseHeaders ?? [], paint),
    ...renderBody(exchange.response, asTyped(`tapes raw ${shortId} --response`), paint),
  ].join('\n');
}

function renderHeaders(headers: RawHeaders, paint: Paint): string[] {
  return headers.map(([name, value]) => `  ${paint.dim(`${safeLine(name)}:`)} ${safeLine(value)}`);
}

function renderBody(body: BodyFacts | null, command: string, paint: Paint): string[] {
  if (body === null) return [paint.dim('  no body recorded')];
  const wire =
    body.wireBytes === null || (body.contentEncoding === null && body.wireBytes === body.decodedBytes)
      ? ''
      : `, ${sayBytes(body.wireBytes)} on the wire${body.contentEncoding === null ? '' : ` (${safeLine(body.contentEncoding)})`}`;
  const masked = body.masked === 0 ? '' : `, ${body.masked} ${body.masked === 1 ? 'secret' : 'secrets'} masked`;
  return [
    `  ${sayBytes(body.decodedBytes)}${wire}${masked}  ${paint.dim(command)}`,
    ...(body.decodedSha256 === null ? [] : [paint.dim(`  sha256 ${body.decodedSha256}`)]),
    ...(body.wireSha256 === null || body.wireSha256 === body.decodedSha256
      ? []
      : [paint.dim(`  sha256 ${body.wireSha256} on the wire`)]),
    ...(body.problem === null ? [] : [paint.magenta(`  ${safeLine(body.problem)}`)]),
  ];
}
