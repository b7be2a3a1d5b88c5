// SPDX-License-Identifier: Apache-2.0
//
// JupyterLab as a person has it: the server that `make lab` starts, and its pages in Chromium. Nothing here reaches into the
// page's program: it is clicked, typed into and looked at.

import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const sleep = seconds => new Promise(resolve => setTimeout(resolve, 1000 * seconds));

// until calls probe every fifth of a second until it returns something true, which is returned. Where it doesn't within some
// seconds, that is an error, which what() completes.
export async function until(probe, seconds, what) {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; await sleep(0.2)) {
    const found = await probe();
    if (found) return found;
  }
  throw new Error(`not within ${seconds} s: ${typeof what === 'string' ? what : await what()}`);
}

// A Server is JupyterLab on a free port, with a folder of its own and no settings of a user's.
export class Server {
  // start starts one in an empty folder; notebooks are below work in it.
  static async start(folder) {
    const server = new Server();
    server.folder = path.join(folder, 'work');
    const private_ = name => path.join(folder, name);
    for (const name of ['work', 'config', 'runtime', 'settings', 'workspaces']) await fs.mkdir(private_(name), { recursive: true });
    server.logFile = private_('jupyter.log');
    const log = await fs.open(server.logFile, 'w');
    server.process = spawn(path.join(root, 'tools/lab.sh'), [server.folder, '--port=0'], {
      stdio: ['ignore', log.fd, log.fd],
      env: {
        ...process.env,
        IDML_DATA: '', // nobody trains for hours in a test
        JUPYTER_CONFIG_DIR: private_('config'),
        JUPYTER_RUNTIME_DIR: private_('runtime'),
        JUPYTERLAB_SETTINGS_DIR: private_('settings'),
        JUPYTERLAB_WORKSPACES_DIR: private_('workspaces'),
      },
    });
    await log.close();
    server.ended = new Promise(resolve => server.process.on('exit', resolve));
    const description = await until(async () => {
      if (server.process.exitCode !== null) throw new Error(`JupyterLab ended: ${await server.log()}`);
      const name = (await fs.readdir(private_('runtime'))).find(name => /^jpserver-\d+\.json$/.test(name));
      if (!name) return null;
      try {
        return JSON.parse(await fs.readFile(private_(`runtime/${name}`), 'utf8'));
      } catch {
        return null; // not yet written whole
      }
    }, 60, 'JupyterLab is up');
    Object.assign(server, { url: description.url, token: description.token });
    return server;
  }

  // request calls Jupyter's own interface.
  async request(method, name) {
    const response = await fetch(this.url + name, { method, headers: { Authorization: `token ${this.token}` } });
    if (!response.ok) throw new Error(`${method} ${name}: ${response.status}`);
    return response.status === 204 ? null : response.json();
  }

  // log returns what JupyterLab and its kernels have said.
  async log() {
    return fs.readFile(this.logFile, 'utf8');
  }

  // read returns a notebook as it is on the disk.
  async read(name) {
    return JSON.parse(await fs.readFile(path.join(this.folder, name), 'utf8'));
  }

  // stop ends JupyterLab, and by it all kernels.
  async stop() {
    this.process.kill('SIGTERM');
    await Promise.race([this.ended, sleep(30).then(() => this.process.kill('SIGKILL'))]);
    await this.ended;
  }
}

const panel = '.jp-NotebookPanel:not(.lm-mod-hidden)';

// A Notebook is a notebook's page.
export class Notebook {
  static async open(browser, server, name) {
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    const notebook = Object.assign(new Notebook(), { page, server, name, faults: [] });
    page.on('console', message => {
      if (message.type() === 'error') notebook.faults.push(`console: ${message.text()}`);
    });
    page.on('pageerror', error => notebook.faults.push(`page: ${error.message}`));
    page.on('request', request => {
      const { protocol, origin } = new URL(request.url());
      if (/^(http|ws)s?:$/.test(protocol) && origin !== new URL(server.url).origin) notebook.faults.push(`asks elsewhere: ${request.url()}`);
    });
    await page.goto(`${server.url}lab/tree/${name}?token=${server.token}&reset`, { waitUntil: 'domcontentloaded' });
    await page.waitForSelector(`${panel} .jp-Notebook .jp-CodeCell`, { timeout: 60e3 });
    // JupyterLab shows the kernel's name once it is connected.
    await until(async () => /\(Go\)/.test(await page.locator(`${panel} .jp-Toolbar-kernelName`).innerText()), 60, 'the kernel IDML (Go) is connected');
    return notebook;
  }

  // menu clicks on an entry of a menu.
  async menu(name, entry) {
    await this.page.locator('.lm-MenuBar-item', { hasText: new RegExp(`^${name}$`) }).click();
    await this.page.locator('.lm-Menu-item', { hasText: entry }).first().click();
  }

  // cell returns the code cell of an index, counting code cells alone.
  cell(index) {
    return this.page.locator(`${panel} .jp-CodeCell`).nth(index);
  }

  // texts returns the texts of elements, also of those that JupyterLab doesn't draw while they are far from what is looked at.
  async texts(selector) {
    return (await this.page.locator(`${panel} ${selector}`).allTextContents()).map(text => text.trim());
  }

  // prompts returns what stands before each code cell: "[3]", "[*]" while it runs or waits, "[ ]" if it has not run.
  async prompts() {
    return (await this.texts('.jp-CodeCell .jp-InputPrompt')).map(text => text.replace(/:$/, '').replace(/^\[\s*\]$/, '[ ]'));
  }

  // complaints returns what cells show on red ground: errors, and what programs wrote on their standard error.
  async complaints() {
    return this.texts('[data-mime-type="application/vnd.jupyter.stderr"]');
  }

  // runAll runs all cells by the menu and waits until nothing runs any more. A click that falls into the connecting of a kernel is lost: cells
  // wait, and then have not run. Then it is clicked again, as a person would do.
  async runAll(seconds) {
    for (let click = 0; click < 5; click++) {
      await this.menu('Run', /^Run All Cells/);
      await until(async () => (await this.prompts()).some(prompt => /\d|\*/.test(prompt)), 15, 'a cell runs').catch(() => {});
      await this.settle(seconds);
      if ((await this.prompts()).some(prompt => /\d/.test(prompt))) return;
    }
    throw new Error('no cell ran in five clicks on Run All Cells');
  }

  // run runs one cell by the keyboard and waits for its end.
  async run(index, seconds) {
    await this.cell(index).locator('.cm-content').click();
    await this.page.keyboard.press('Control+Enter');
    await until(async () => (await this.prompts())[index] === '[*]', 3, 'the cell runs').catch(() => {}); // or it ran already
    await this.settle(seconds);
  }

  // settle waits until no cell runs or waits.
  async settle(seconds) {
    await until(async () => !(await this.prompts()).includes('[*]'), seconds, async () => `cells ended: ${(await this.prompts()).join(' ')}`);
  }

  // save saves the notebook by the menu, and returns what then is on the disk, where count cells have a number.
  async save(count) {
    await this.menu('File', /^Save Notebook(?! As)/);
    let saved;
    await until(async () => {
      saved = await this.server.read(this.name).catch(() => null); // JupyterLab may be in the middle of writing it
      return saved?.cells.filter(c => c.execution_count).length >= count;
    }, 20, `${count} executed cells are saved`);
    return saved;
  }

  // displayed returns the images and drawings in a code cell's output, after having scrolled there: their own sizes, those on the page, and
  // whether they are wider than the output.
  async displayed(index) {
    const cell = this.cell(index);
    await cell.scrollIntoViewIfNeeded();
    const figures = cell.locator('.jp-OutputArea-output img, .jp-OutputArea-output svg');
    for (const figure of await figures.all()) await figure.scrollIntoViewIfNeeded();
    return figures.evaluateAll(all => all.map(figure => {
      const box = figure.getBoundingClientRect();
      const output = figure.closest('.jp-OutputArea-output').getBoundingClientRect();
      const own = figure instanceof HTMLImageElement
        ? { width: figure.naturalWidth, height: figure.naturalHeight, drawn: figure.complete && figure.naturalWidth > 0 }
        : { width: box.width, height: box.height, drawn: figure.querySelectorAll('path, line, polyline, rect, circle, image').length > 0 };
      return { own, width: box.width, height: box.height, overflow: Math.round(box.right - output.right) };
    }));
  }

  // close closes the page and ends the notebook's kernel.
  async close() {
    await this.page.close();
    for (const session of await this.server.request('GET', 'api/sessions')) {
      if (session.path === this.name) await this.server.request('DELETE', `api/sessions/${session.id}`);
    }
  }
}
