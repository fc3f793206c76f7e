"""The drawing of rules: columns by what they need, arrows without those that others imply."""

from lossbars.documents.plan import experiment_tasks, rule_graph
from lossbars.documents.rule_drawing import GAP, HEIGHT, ROW, WIDTH, draw
from support.workflow import TINY_B, plan

STEP = WIDTH + GAP


def test_a_diamond() -> None:
    drawing = draw({"a": [], "b": ["a"], "c": ["a"], "d": ["a", "b", "c"]})
    assert [(box.name, box.x, box.y) for box in drawing.boxes] == [
        ("a", 0, 0),
        ("b", STEP, 0),
        ("c", STEP, ROW),
        ("d", 2 * STEP, 0),
    ]
    assert len(drawing.arrows) == 4  # none from a to d
    assert (drawing.width, drawing.height) == (2 * STEP + WIDTH, ROW + HEIGHT)


def test_an_arrow_leads_from_the_end_of_one_box_to_the_start_of_another() -> None:
    (arrow,) = draw({"a": [], "b": ["a", "elsewhere"]}).arrows
    assert arrow.startswith(f"M{WIDTH},{HEIGHT // 2} ")
    x, y = map(int, arrow.split()[-1].split(","))
    assert 0 < STEP - x < GAP and y == HEIGHT // 2


def test_the_rules_of_a_plan() -> None:
    rules = rule_graph(experiment_tasks(plan(seeds=4), "tiny"))
    counts = {rule: count for rule, (count, _) in rules.items()}
    assert counts["minima"] == 4 and counts["curves"] == 6 and counts["triangles"] == 4 and counts["figure"] == 2
    boxes = {box.name: box for box in draw({rule: needs for rule, (_, needs) in rules.items()}).boxes}
    assert boxes["triangles"].x == boxes["curves"].x  # sides of their own: they do not wait for curves
    fixed = rule_graph(experiment_tasks(plan(triangles=TINY_B["triangles"]), "tiny"))
    boxes = {box.name: box for box in draw({rule: needs for rule, (_, needs) in fixed.items()}).boxes}
    assert boxes["triangles"].x == boxes["curves"].x + STEP
