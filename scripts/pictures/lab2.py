"""Lab 2: a pod replaced at 200 by 60, three panes, 80 by 24, the cluster's views, what happened, who answers."""

from __future__ import annotations

from pathlib import Path

from pictures.studio import stage


async def take(out: Path) -> None:
    """From the first step to the eighth."""
    async with stage(out, (120, 34), "lab2") as seen:
        await seen.solve("write")
        await seen.look_at("apply")
        await seen.shell("kubectl apply -f nginx-deploy.yaml")
        await seen.until(lambda: seen.lab.step.done, "three pods")
        await seen.press("f6")
        await seen.quiet()
        await seen.press("t", rest=2.0)
        await seen.shot("what-happened")
        await seen.press("escape")
        await seen.solve("look")

    async with stage(out, (200, 60), "lab2") as seen:
        await seen.look_at("heal")
        await seen.shell("kubectl get pods")
        names = [pod["metadata"]["name"] for pod in seen.lab.state.record.alive("Pod")]
        pod = next(name for name in names if name.startswith("nginx-deployment-"))
        await seen.shell(f"kubectl delete pod {pod}", rest=0.0)
        await seen.shell("kubectl get pods", rest=0.2)
        await seen.shot("lab2-replaced")
        await seen.until(lambda: seen.lab.step.done, "the pod replaced")
        await seen.press("f6")
        await seen.solve("bare")

    async with stage(out, (150, 40), "lab2") as seen:
        await seen.look_at("scale")
        await seen.shell("kubectl scale deployment nginx-deployment --replicas=10")
        await seen.until(lambda: seen.lab.step.done, "ten pods")
        await seen.shell("kubectl get pods")
        await seen.quiet()
        await seen.shot("lab")
        await seen.press("f6")

    async with stage(out, (80, 24), "lab2") as seen:
        await seen.look_at("scale")
        await seen.shot("lab2-80x24-lesson")
        await seen.press("4", rest=1.5)
        await seen.shot("lab2-80x24-cluster")
        await seen.press("5", rest=1.0)
        await seen.shot("lab2-80x24-results")

    async with stage(out, (120, 34), "lab2") as seen:
        await seen.solve("expose")
        await seen.press("4", rest=1.5)
        for view in ("tables", "nodes", "events"):
            await seen.press("g", rest=3.0)
            await seen.quiet()
            await seen.shot(f"cluster-{view}")
        await seen.press("g", "escape")
        await seen.look_at("everyone")
        await seen.shell("IP=$(kubectl get service nginx-service -o jsonpath='{.spec.clusterIP}')")
        await seen.shell("for i in $(seq 20); do curl -s -o /dev/null http://$IP; done")
        await seen.press("f6")
        await seen.until(lambda: seen.lab.step.done, "every pod answered")
        await seen.quiet()
        await seen.press("w", rest=2.0)
        await seen.press("space", rest=4.0)
        await seen.press("space", rest=4.0)
        await seen.shot("who-answered")
