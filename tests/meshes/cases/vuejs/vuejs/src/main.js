import Vue from "vue";

new Vue({ el: "#root", render: (h) => h("h1", "Hello from Vue") });
