// What happens to a gantt's changes: sent, drawn before the answer, taken back when refused, and undone on wish.
import { api } from "../api.js";
import { t, toast } from "../dom.js";
import { phaseDialog } from "./phase.js";
import { phaseName } from "./model.js";

const PUSH = "vp_schedule_push";

/** Do dependent phases move along? The person's choice is kept. */
export const pushes = () => localStorage.getItem(PUSH) !== "0";
export const setPushes = (on) => localStorage.setItem(PUSH, on ? "1" : "0");

const dates = (group) => new Map(group.phases.map((p) => [p.phase, `${p.start}/${p.end}`]));

/** The changes of a gantt's groups; `draw(group)` is called when one is other than it was. */
export class Board {
  constructor(draw) {
    this.draw = draw;
    this.gantt = null;
  }

  /** Takes a schedule over, unless it is older than what is known or a change of ours is on its way. */
  apply(group, schedule) {
    if (schedule.rev < (group.rev ?? 0) || this.gantt?.unsettled(group.project.id)) return false;
    Object.assign(group, { rev: schedule.rev, phases: schedule.phases, conflicts: schedule.conflicts, progress: schedule.progress });
    this.draw(group);
    return true;
  }

  /** New dates of one phase, already drawn; `before` are the old ones. */
  async move(group, phase, to, before) {
    const name = phase.phase;
    const kept = dates(group).set(name, `${before.start}/${before.end}`);
    try {
      const answer = await this.patch(group, name, { ...to, push: pushes() });
      this.offerUndo(group, kept, answer);
    } catch {
      const now = group.phases.find((p) => p.phase === name);
      if (now.start === to.start && now.end === to.end) Object.assign(now, before);
      this.draw();
    }
  }

  async patch(group, name, body) {
    const answer = await api("PATCH", `/projects/${group.project.id}/schedule/${name}`, body);
    this.apply(group, answer);
    return answer;
  }

  offerUndo(group, kept, answer) {
    const moved = answer.phases.filter((p) => kept.get(p.phase) !== `${p.start}/${p.end}`);
    if (!moved.length) return;
    const text = moved.length === 1 ? t("js.calendar.moved", { title: phaseName(moved[0].phase) }) : t("js.calendar.moved_many", { n: moved.length });
    toast(text, answer.conflicts.length > 0 && moved.some((p) => p.phase === "filming") ? "bad" : "good", { label: t("js.calendar.undo"), run: () => this.undo(group, kept, moved) });
  }

  async undo(group, kept, moved) {
    try {
      for (const { phase } of moved) {
        const [start, end] = kept.get(phase).split("/").map((day) => (day === "null" ? null : day));
        await this.patch(group, phase, { start, end, push: false });
      }
      toast(t("js.calendar.undone"), "good");
    } catch { /* said by a toast */ }
  }

  open(group, phase) {
    const kept = dates(group);
    phaseDialog(group, phase, { push: pushes(), done: (answer) => { this.apply(group, answer); this.offerUndo(group, kept, answer); } }).catch(() => { /* said by a toast */ });
  }
}
