import "angular.js/angular.js";

const root = document.getElementById("root");
root.innerHTML = "<h1>{{greeting}}</h1>";
window.angular.module("app", []).run(($rootScope) => ($rootScope.greeting = "Hello from Angular"));
window.angular.bootstrap(root, ["app"]);
