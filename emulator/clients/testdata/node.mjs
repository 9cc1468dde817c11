// Calls every method of Customer.io's clients for Node against the emulator at BASE. It prints what it called as JSON, and fails when a
// call fails or a method was left out.
import { createRequire } from 'module';

const { BASE, MODULES } = process.env;
const require = createRequire(`${MODULES}/`);
const cio = require('customerio-node');
const { Analytics } = require('@customerio/cdp-analytics-node');

const called = {};

// watch gives a client whose calls are noted by name.
function watch(client, kind) {
  called[kind] = new Set();
  return new Proxy(client, {
    get(target, name) {
      const value = target[name];
      if (typeof value !== 'function') return value;
      return (...args) => {
        called[kind].add(name);
        return value.apply(target, args);
      };
    },
  });
}

// complete fails when a class has a method that nobody called, but for those that it has for itself.
function complete(type, kind, own = []) {
  const missed = Object.getOwnPropertyNames(type.prototype)
    .filter((name) => typeof Object.getOwnPropertyDescriptor(type.prototype, name).value === 'function')
    .filter((name) => name !== 'constructor' && !own.includes(name) && !called[kind].has(name));
  if (missed.length > 0) throw new Error(`${kind} has methods that were not called: ${missed.join(', ')}`);
}

function check(condition, what) {
  if (!condition) throw new Error(what);
}

async function track() {
  const c = watch(new cio.TrackClient('emulator', 'emulator-key', { url: `${BASE}/api/v1` }), 'TrackClient');
  const now = Math.floor(Date.now() / 1000);
  check((await c.getAccountRegion()).region === 'eu', 'the region is not the one of the workspace');
  await c.identify('node 1/2', { email: 'node@example.com', plan: 'pro', created_at: now });
  await c.identify(7, { plan: 'free' });
  await c.track('node 1/2', { name: 'purchase', data: { total: 12.5 }, timestamp: now });
  await c.trackAnonymous('visitor', { name: 'looked' });
  await c.trackAnonymous('', { name: 'invited', data: { recipient: 'new@example.com' } });
  await c.trackPageView('node 1/2', 'https://example.com/a');
  await c.addDevice('node 1/2', 'token/1', 'ios', { last_used: now, push_enabled: 'true' });
  await c.addDevice('node 1/2', 'token2', 'android');
  await c.deleteDevice('node 1/2', 'token/1');
  await c.trackPush({ delivery_id: 'd', event: 'opened', device_id: 'token2', timestamp: now });
  await c.batch([
    { type: 'person', action: 'identify', identifiers: { id: 'node 3' }, attributes: { plan: 'pro' } },
    { type: 'object', action: 'identify', identifiers: { object_type_id: '1', object_id: 'acme' }, attributes: { name: 'Acme' } },
  ]);
  await c.entity({ type: 'person', action: 'event', identifiers: { id: 'node 3' }, name: 'joined' });
  await c.mergeCustomers(cio.IdentifierType.Id, 'node 1/2', cio.IdentifierType.Id, 'node 3');
  await c.addCustomersToSegment(4, ['node 1/2', '7']);
  await c.removeCustomersFromSegment(4, ['7'], cio.IdentifierType.Id);
  await c.submitForm('signup', { email: 'form@example.com', color: 'red' });
  await c.reportMetric({ delivery_id: 'd', metric: 'opened', timestamp: now });
  await c.unsubscribe('d');
  await c.suppress(7);
  await c.unsuppress(7);
  await c.identify('gone', {});
  await c.destroy('gone');
  complete(cio.TrackClient, 'TrackClient');
}

async function people(c) {
  const found = await c.getCustomersByEmail('node@example.com');
  check(found.results[0].id === 'node 1/2', 'the person is not found by the address');
  const shown = await c.getAttributes('node 1/2');
  check(shown.customer.attributes.plan === 'pro', 'the person has not the attribute');
  await c.getCustomerActivities('node 1/2', { limit: 5 });
  await c.getCustomerMessages('node 1/2', { limit: 5 });
  await c.getCustomerRelationships('node 1/2');
  check((await c.getCustomerSegments('node 1/2')).segments[0].id === 4, 'the person is not in the segment');
  await c.getCustomerSubscriptionPreferences('node 1/2', { language: 'en' });
  const list = await c.searchCustomers({ and: [{ segment: { id: 4 } }] }, { limit: 10 });
  check(list.ids.join() === 'node 1/2', 'the search finds others');
  check((await c.getCustomersAttributes(['node 1/2'])).customers.length === 1, 'attributes by ids');
  await c.getObjectAttributes(1, 'acme');
  await c.getObjectRelationships(1, 'acme');
  const objects = await c.findObjects(1, { and: [{ object_attribute: { field: 'name', operator: 'eq', value: 'Acme' } }] });
  check(objects.ids.join() === 'acme', 'the object is not found');
  await c.listObjectTypes();
  check((await c.listActivities({ type: 'page', customerId: 'node 1/2' })).activities.length === 1, 'the page is not in the log');
  const { segment } = await c.createSegment({ name: 'VIP' });
  await c.listSegments();
  await c.getSegment(segment.id);
  check((await c.getSegmentCustomerCount(4)).count === 1, 'the segment counts wrongly');
  await c.getSegmentMembership(4, { limit: 10 });
  await c.getSegmentUsedBy(segment.id);
  await c.deleteSegment(segment.id);
  await c.listSubscriptionTopics();
  await c.listSubscriptionChannels();
  check((await c.getSubscriptionCenterToken('node 1/2')).token, 'no token');
}

async function messages(c) {
  const identifiers = { id: 'node 1/2' };
  const email = new cio.SendEmailRequest({ to: 'node@example.com', transactional_message_id: '3', identifiers, message_data: { a: 1 } });
  email.attach('a.txt', 'text');
  const sent = await c.sendEmail(email);
  check(sent.delivery_id && sent.queued_at, 'no delivery');
  await c.sendEmail(new cio.SendEmailRequest({
    to: 'node@example.com', identifiers, from: 'a@example.com', subject: 's', body: 'b', bcc: 'c@example.com',
  }));
  await c.sendPush(new cio.SendPushRequest({ transactional_message_id: 3, identifiers, title: 't', device: { token: 'x', platform: 'ios' } }));
  await c.sendSMS(new cio.SendSMSRequest({ transactional_message_id: 3, identifiers, to: '+4712345678' }));
  await c.sendWhatsApp(new cio.SendWhatsAppRequest({ transactional_message_id: 3, identifiers, to: '+4712345678', tracked: true }));
  await c.sendInboxMessage(new cio.SendInboxMessageRequest({ transactional_message_id: 3, identifiers }));
  await c.sendInApp(new cio.SendInAppRequest({ transactional_message_id: 3, identifiers }));
  check((await c.getMessages({ type: 'email', limit: 1 })).next !== '', 'a second page is missing');
  check((await c.getMessage(sent.delivery_id)).message.recipient === 'node@example.com', 'the message has another recipient');
  await c.getArchivedMessage(sent.delivery_id);

  const trigger = await c.triggerBroadcast(8, { a: 1 }, { ids: ['node 1/2', 'nobody'], id_ignore_missing: true });
  await c.triggerBroadcast(8, { a: 1 }, { segment: { id: 4 } });
  await c.getBroadcastTriggerStatus(8, trigger.id);
  await c.getBroadcastTriggerErrors(8, trigger.id);
  check((await c.getBroadcastTriggers(8)).triggers.length === 2, 'two triggers');

  check((await c.listExports()).exports === null, 'exports before there are any');
  const { export: made } = await c.createCustomersExport({ and: [{ segment: { id: 4 } }] });
  await c.createDeliveriesExport(1, { start: 1, metric: cio.DeliveryExportMetric.Sent });
  check((await c.getExport(made.id)).export.status === 'done', 'the export is not done');
  check((await c.downloadExport(made.id)).url, 'no address');
  const { import: loaded } = await c.createImport({ data_file_url: 'https://example.com/a.csv', type: 'people', identifier: 'id' });
  await c.getImport(loaded.id);
}

async function campaigns(c) {
  const window = { start: 1700000000, end: 1700086400, res: 'hours' };
  await c.listTransactionalMessages();
  await c.getTransactionalMessage(3);
  await c.getTransactionalMessageContents(3);
  await c.updateTransactionalMessageContent(3, 1, { body: 'b' });
  await c.updateTransactionalMessageLanguage(3, 'nb', { body: 'b' });
  check((await c.getTransactionalMessageLanguage(3, 'nb')).content.body === 'b', 'the variant was not kept');
  await c.getTransactionalMessageDeliveries(3, { limit: 5 });
  await c.getTransactionalMessageMetrics(3, { period: 'hours', steps: 2 });
  await c.getTransactionalMessageLinkMetrics(3, { period: 'days', unique: true });
  for (const [one, all, id] of [['Campaign', 'Campaigns', 1], ['Broadcast', 'Broadcasts', 8]]) {
    await c[`get${one}`](id);
    await c[`list${all}`]();
    await c[`get${one}Actions`](id);
    await c[`get${one}Action`](id, 1);
    await c[`update${one}Action`](id, 1, { subject: 's' });
    await c[`update${one}ActionLanguage`](id, 1, 'nb', { subject: 's' });
    await c[`get${one}ActionLanguage`](id, 1, 'nb');
    await c[`get${one}ActionMetrics`](id, 1, { period: 'weeks' });
    await c[`get${one}ActionMetricsLinks`](id, 1);
    await c[`get${one}Metrics`](id, { period: 'months', type: 'email' });
    await c[`get${one}MetricsLinks`](id);
    await c[`get${one}Messages`](id, { metric: 'sent' });
  }
  const v2 = await c.getCampaignMetrics(1, { version: '2', ...window });
  check(v2.metric.series.sent.length === 24, 'a day has 24 hours');
  await c.getCampaignJourneyMetrics(1, window);

  const { newsletter } = await c.createNewsletter({ name: 'n', type: 'email', recipient_segment_ids: [4] });
  const id = newsletter.id;
  await c.listNewsletters({ limit: 5, sort: 'asc' });
  await c.getNewsletter(id);
  await c.getNewsletterContents(id);
  await c.getNewsletterContent(id, 1);
  await c.updateNewsletterContent(id, 1, { subject: 's' });
  await c.getNewsletterContentMetrics(id, 1);
  await c.getNewsletterContentMetricsLinks(id, 1);
  await c.createNewsletterLanguage(id, { language: 'nb', subject: 's' });
  await c.getNewsletterLanguage(id, 'nb');
  await c.updateNewsletterLanguage(id, 'nb', { subject: 't' });
  await c.deleteNewsletterLanguage(id, 'nb');
  await c.createNewsletterTestGroup(id);
  check((await c.getNewsletterTestGroups(id)).test_groups.length === 1, 'one test group');
  await c.createNewsletterTestGroupLanguage(id, 1, { language: 'nb' });
  await c.getNewsletterTestGroupLanguage(id, 1, 'nb');
  await c.updateNewsletterTestGroupLanguage(id, 1, 'nb', { subject: 's' });
  await c.deleteNewsletterTestGroupLanguage(id, 1, 'nb');
  await c.scheduleNewsletter(id, { scheduled_at: window.end });
  await c.sendNewsletter(id);
  await c.getNewsletterMetrics(id);
  await c.getNewsletterMetricsLinks(id);
  check((await c.getNewsletterMessages(id)).messages.length === 1, 'the newsletter went to one');
  await c.deleteNewsletter(id);
}

async function studio(c) {
  for (const [what, plural, input, answer] of [
    ['DesignStudioFolder', 'DesignStudioFolders', { name: 'f' }, 'folder'],
    ['DesignStudioEmail', 'DesignStudioEmails', { name: 'e' }, 'email'],
    ['DesignStudioComponent', 'DesignStudioComponents', { name: 'c', tag: 'x-c' }, 'component'],
    ['AssetFolder', 'AssetFolders', { name: 'f' }, 'folder'],
    ['Collection', 'Collections', { name: 'c', data: [{ a: 1 }] }, 'collection'],
    ['ReportingWebhook', 'ReportingWebhooks', { name: 'w', endpoint: 'https://example.com', events: ['email_sent'] }, null],
    ['Asset', 'Assets', { data: Buffer.from('%PDF-'), filename: 'a.pdf', name: 'a' }, 'asset'],
  ]) {
    const made = await c[`create${what}`](input);
    const { id } = answer ? made[answer] : made;
    await c[`list${plural}`]();
    const shown = await c[`get${what}`](id);
    check((answer ? shown[answer] : shown).name === input.name, `${what} has another name`);
    if (what === 'DesignStudioEmail') {
      await c.createDesignStudioEmailLanguage(id, { language: 'nb', subject: 's' });
      await c.listDesignStudioEmailLanguages(id);
      await c.getDesignStudioEmailLanguage(id, 'nb');
      await c.updateDesignStudioEmailLanguage(id, 'nb', { subject: 't' });
      await c.deleteDesignStudioEmailLanguage(id, 'nb');
    }
    if (what === 'Collection') {
      await c.updateCollectionContent(id, [{ a: 1 }, { a: 2 }]);
      check((await c.getCollectionContent(id)).length === 2, 'the collection has two rows');
    }
    await c[`update${what}`](id, { ...input, name: 'other', data: undefined, filename: undefined });
    await c[`delete${what}`](id);
  }
  await c.createSnippet({ name: 's', value: 'v' });
  await c.updateSnippet({ name: 's', value: 'w' });
  check((await c.getSnippets()).snippets[0].value === 'w', 'the snippet was not changed');
  await c.deleteSnippet('s');
  await c.createSuppression('bounces', 'b@example.com');
  check((await c.searchSuppression('b@example.com')).category === 'bounces', 'the address is not suppressed');
  await c.getSuppressions('bounces', { limit: 5 });
  await c.getDomainSuppressions('example.com', 'bounces');
  await c.deleteSuppression('bounces', 'b@example.com');
  await c.getSenderIdentities();
  await c.getSenderIdentity(1);
  await c.getSenderIdentityUsedBy(1);
  await c.batchUpdateAttributes([{ name: 'plan', description: 'd' }]);
  await c.batchUpdateEvents([{ name: 'purchase', description: 'd' }]);
  await c.listWorkspaces();
  await c.getIpAddresses();
}

async function app() {
  const c = watch(new cio.APIClient('emulator-app-key', { url: `${BASE}/v1` }), 'APIClient');
  await people(c);
  await messages(c);
  await campaigns(c);
  await studio(c);
  complete(cio.APIClient, 'APIClient', ['resourceBase']);
}

async function pipelines() {
  const c = watch(new cio.PipelinesClient('emulator-write-key', { url: `${BASE}/v1`, strictMode: true }), 'PipelinesClient');
  await c.identify({ userId: 'cdp', anonymousId: 'v', traits: { email: 'cdp@example.com' } });
  await c.track({ userId: 'cdp', event: 'purchase', properties: { a: 1 } });
  await c.page({ userId: 'cdp', name: 'home' });
  await c.screen({ userId: 'cdp', name: 'feed' });
  await c.group({ userId: 'cdp', groupId: 'acme', traits: { name: 'Acme' } });
  await c.track({ anonymousId: 'w', event: 'looked' });
  await c.alias({ userId: 'cdp', previousId: 'w' });
  await c.batch([{ type: 'track', userId: 'cdp', event: 'one' }, { type: 'identify', userId: 'cdp' }]);
  complete(cio.PipelinesClient, 'PipelinesClient', ['envelope']);
}

async function analytics() {
  const a = watch(new Analytics({ writeKey: 'emulator-write-key', host: BASE, path: '/v1/batch' }), 'Analytics');
  const failed = [];
  a.on('error', (e) => failed.push(e.reason ?? e.code ?? e));
  await a.ready;
  a.identify({ userId: 'cdp', traits: { plan: 'pro' } });
  a.track({ userId: 'cdp', event: 'two' });
  a.page({ userId: 'cdp', name: 'home' });
  a.screen({ userId: 'cdp', name: 'feed' });
  a.group({ userId: 'cdp', groupId: 'acme' });
  a.track({ anonymousId: 'x', event: 'looked' });
  a.alias({ userId: 'cdp', previousId: 'x' });
  await a.closeAndFlush();
  check(failed.length === 0, `the analytics client failed: ${failed}`);
}

// A client that is too fast is told to wait, and does.
async function patience() {
  const c = new cio.APIClient('emulator-app-key', { url: `${process.env.PACED}/v1` });
  const answers = await Promise.all(Array.from({ length: 12 }, () => c.listSegments()));
  check(answers.every((a) => Array.isArray(a.segments)), 'a request was given up');
}

await track();
await app();
await pipelines();
await analytics();
await patience();
console.log(JSON.stringify(Object.fromEntries(Object.entries(called).map(([kind, names]) => [kind, names.size]))));
